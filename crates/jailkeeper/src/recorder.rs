//! Where events are numbered, handed out and folded into the report.

use crate::child::{Ending, signal_name};
use jailkeeper_model::{
    Event, Exit, Header, JailId, JailPath, Probe, Report, Target, Timestamp, Usage,
};
use std::path::Path;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::SystemTime;

/// Gets every event at once, on the thread that saw it.
pub(crate) type Callback = Box<dyn Fn(&Event) + Send + Sync>;

/// A look at something outside, with what is told of it.
pub(crate) struct Look<'a> {
    pub(crate) target: &'a Target,
    /// As requested, made absolute; the target itself if it is not known.
    pub(crate) file: Option<&'a JailPath>,
    pub(crate) program: &'a Path,
    pub(crate) operation: &'a str,
    pub(crate) syscall: &'a str,
    pub(crate) pid: u32,
}

/// How a jail ended.
pub(crate) struct End {
    /// How its command did, if anybody was told.
    pub(crate) ending: Option<Ending>,
    pub(crate) usage: Usage,
    /// Whether its time was up.
    pub(crate) limited: bool,
    /// Seconds from the attempt to the last death, where they were counted.
    pub(crate) killing: Option<f64>,
}

/// Numbers and hands out the events of one jail.
pub(crate) struct Recorder {
    jail: JailId,
    state: Mutex<State>,
    callback: Option<Callback>,
}

struct State {
    next: u64,
    report: Report,
    /// Gone when the jail has ended, so that readers see the end.
    sender: Option<Sender<Event>>,
}

impl Recorder {
    pub(crate) fn new(jail: JailId, callback: Option<Callback>) -> (Self, Receiver<Event>) {
        let (sender, receiver) = channel();
        let state = State { next: 0, report: Report::new(), sender: Some(sender) };
        (Self { jail, state: Mutex::new(state), callback }, receiver)
    }

    /// Returns a header for something that is not recorded itself.
    #[cfg(feature = "full")]
    pub(crate) fn blank(&self) -> Header {
        Header::new(self.lock().next, SystemTime::now(), self.jail.clone())
    }

    /// Records what a closure makes of the next header.
    pub(crate) fn record(&self, make: impl FnOnce(Header) -> Event) {
        let event = {
            let mut state = self.lock();
            let time = Timestamp::from(SystemTime::now());
            let header = Header::new(state.next, time, self.jail.clone());
            state.next += 1;
            let event = make(header);
            state.report.fold(&event);
            if let Some(sender) = &state.sender {
                // Nobody has to listen.
                let _ = sender.send(event.clone());
            }
            event
        };
        if let Some(callback) = &self.callback {
            callback(&event);
        }
    }

    /// Counts a look at something outside that was forgiven; with `told` it is an event as well.
    pub(crate) fn forgive(&self, look: &Look<'_>, told: bool) {
        let Look { target, file, program, operation, syscall, pid } = *look;
        match target {
            Target::Path(path) => {
                let file = file.unwrap_or(path);
                if !told {
                    return self.lock().report.record_forgiven(file, program, operation);
                }
                self.record(|header| {
                    let probe = Probe::new(header, file, operation, syscall, pid, program);
                    Event::Probe(probe.with_resolved(path))
                });
            }
            Target::Address(address) => {
                if !told {
                    return self.lock().report.record_forgiven_address(address, program, operation);
                }
                self.record(|header| {
                    Event::Probe(Probe::of_address(
                        header, address, operation, syscall, pid, program,
                    ))
                });
            }
            _ => {}
        }
    }

    /// Lets a closure look at the report so far.
    pub(crate) fn report<T>(&self, look: impl FnOnce(&Report) -> T) -> T {
        look(&self.lock().report)
    }

    /// Records the end of the jail; nothing of it is alive any more.
    pub(crate) fn exit(&self, end: End) {
        let End { ending, usage, limited, killing } = end;
        let (broke, forgiven) =
            self.report(|report| (!report.jailbreaks.is_empty(), report.forgiven_total));
        self.record(|header| {
            let mut exit = Exit::new(header, usage);
            match ending {
                Some(Ending::Code(code)) => exit.code = Some(code),
                Some(Ending::Signal(signal)) => exit.signal = Some(signal_name(signal)),
                None => {}
            }
            exit.jailbreak = broke;
            exit.limit = limited.then(|| "wall-time".to_owned());
            exit.forgiven = forgiven;
            exit.killing = killing;
            Event::Exit(exit)
        });
    }

    /// Ends the stream of events.
    pub(crate) fn close(&self) {
        self.lock().sender = None;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        // A callback runs outside the lock; what runs inside does not panic.
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
