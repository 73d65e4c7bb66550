//! Attaches to running processes and prints how long that took: `attach_time PID...`.
//!
//! Each is killed afterwards. What the processes have already is kept, and the whole system may be
//! read, so that only the mechanism is measured.

#![expect(clippy::print_stdout, reason = "it is what this program is for")]

fn main() -> Result<(), Box<dyn std::error::Error>> {
    for word in std::env::args().skip(1) {
        let pid: u32 = word.parse()?;
        let threads = std::fs::read_dir(format!("/proc/{pid}/task"))?.count();
        let builder = jailkeeper::Jail::builder().working_directory(false).read("/usr");
        let jail = builder.outside(jailkeeper::Outside::Keep).build()?;
        let began = std::time::Instant::now();
        let mut child = jail.attach(pid, "/", |_| {})?;
        let took = began.elapsed();
        println!("process {pid}, {threads} threads: {:.1} ms", took.as_secs_f64() * 1000.0);
        child.kill();
        child.wait()?;
    }
    Ok(())
}
