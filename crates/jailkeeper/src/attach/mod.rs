//! Attaching walls to a process that runs already.
//!
//! The walls are those of strength `flat`: Landlock, and a seccomp filter with a listener. A
//! process can only put them around itself, so it is made to: all of its threads and those of all
//! its descendants are stopped ([`family`]), what they have already is looked at ([`outside`]), the
//! calls that make walls are run inside of them ([`apply`]), each thread proves that they stand, and
//! all go on, in the call in which they were. From then on nobody traces them, and they run at full
//! speed; the listeners are watched as in any other jail ([`run`]).
//!
//! What keeps a process from being attached to is found before it is touched ([`target`]). Until
//! the first wall stands everything can be taken back. If a later step fails, the processes are
//! killed: one that has walls in part is no jail.
//!
//! Signals are governed by the watch instead of by Landlock, because every thread gets a domain of
//! its own, and Landlock lets no signal from one to another.

mod apply;
mod family;
mod outside;
mod run;
mod target;

pub(crate) use run::attach;
