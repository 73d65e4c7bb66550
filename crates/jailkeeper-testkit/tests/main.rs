//! What JailKeeper promises, shown from outside with the built command.
