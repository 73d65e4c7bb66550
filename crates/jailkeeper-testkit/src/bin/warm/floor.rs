//! The least that a start in namespaces can cost: an init and a command in all the namespaces of a
//! jail, made by the same code as a jail's, with no mount, no wall and nobody who watches.

use jailkeeper_sys::child::{Arguments, Control, Launch, Program, Slots, Step, control_pair};
use jailkeeper_sys::process::{Ending, Namespaces, Parent, wait};
use jailkeeper_sys::resident::Constants;
use rustix::process::Pid;
use std::ffi::CString;
use std::io;

/// Two processes that wait to be let go.
pub(super) struct Floor {
    init: Pid,
    control: Control,
}

impl Floor {
    /// Makes them.
    pub(super) fn raise(command: &[&str]) -> io::Result<Self> {
        let arguments: Vec<CString> =
            command.iter().map(|word| CString::new(*word)).collect::<Result<_, _>>()?;
        let execute = Step::Execute {
            candidates: arguments.first().cloned().into_iter().collect(),
            arguments: Arguments::new(arguments),
            environment: Arguments::new(Vec::new()),
        };
        let steps = vec![Step::AwaitGo, Step::DefaultSignals, Step::UnblockSignals, execute];
        let command = Step::Spawn {
            namespaces: Namespaces::NONE,
            parent: Parent::Caller,
            program: Box::new(Program { name: "command", steps }),
        };
        let steps = vec![Step::DieWithParent, command, Step::Init(Constants::of_this_program())];
        let all = [Namespaces::MOUNT, Namespaces::IPC, Namespaces::UTS, Namespaces::PID];
        let launch = Launch {
            program: Program { name: "init", steps },
            slots: Slots::default(),
            namespaces: all.into_iter().fold(Namespaces::USER, Namespaces::and),
        };
        let control = control_pair(3)?;
        let init = launch.start(&control)?;
        control.close_child_end();
        Ok(Self { init, control })
    }

    /// Lets the command go and waits until nothing of it is alive. Tells whether all went well.
    pub(super) fn run(self) -> io::Result<bool> {
        self.control.go()?;
        let told = self.control.receive()?;
        let (ending, _) = wait(self.init)?;
        let well = matches!(
            told.map(|message| message.notice),
            Some(jailkeeper_sys::child::Notice::Ended(0))
        );
        Ok(well && ending == Ending::Code(0))
    }
}
