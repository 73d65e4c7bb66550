//! `jailkeeper completions` and `jailkeeper man`: made from the command line's own definition.

use crate::arguments::Arguments;
use crate::status::Status;
use crate::ui;
use clap::CommandFactory;
use jailkeeper::Error;

/// Prints a completion script.
pub(crate) fn completions(shell: clap_complete::Shell) -> Result<Status, Error> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "jailkeeper", &mut script);
    ui::print(&String::from_utf8_lossy(&script));
    Ok(Status::Code(0))
}

/// Prints the manual page, with every subcommand's options.
pub(crate) fn man() -> Result<Status, Error> {
    let mut page = Vec::new();
    let mut command = Arguments::command();
    command.build();
    let render = |command: clap::Command, page: &mut Vec<u8>| {
        clap_mangen::Man::new(command)
            .render(page)
            .map_err(|error| Error::io("write the manual page", error))
    };
    render(command.clone(), &mut page)?;
    for subcommand in command.get_subcommands().filter(|command| command.get_name() == "run") {
        render(subcommand.clone(), &mut page)?;
    }
    ui::print(&String::from_utf8_lossy(&page));
    Ok(Status::Code(0))
}
