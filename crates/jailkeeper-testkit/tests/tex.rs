//! Documents: those that only want to be typeset, and those that want more.

use crate::both::both;
use jailkeeper_model::{Jailbreak, Mode};
use jailkeeper_testkit::{Place, Ran};
use std::time::Duration;

both! {
    article needs [pdflatex];
    article_by_lua needs [lualatex];
    input needs [pdflatex];
    openout needs [pdflatex];
    shell_escape needs [pdflatex];
    piped_input needs [pdflatex];
    lua_input needs [lualatex];
    lua_open needs [lualatex];
    lua_execute needs [lualatex];
}

/// What a file of the machine begins with that nobody may see.
const PASSWD: &str = "root:x:0";

const ARTICLE: &str = r"\documentclass{article}
\begin{document}
\title{Harmless}\author{A. Nobody}\maketitle\tableofcontents
\section{One}\label{one} See section~\ref{one}: $\int_0^1 x^2\,dx = \frac13$.
\input{part}
\end{document}
";

fn article(place: &Place) {
    benign(place, "pdflatex");
}

fn article_by_lua(place: &Place) {
    benign(place, "lualatex");
}

fn benign(place: &Place, engine: &str) {
    place.write("{work}/paper.tex", ARTICLE, 0o644);
    place.write("{work}/part.tex", r"\emph{a part}", 0o644);
    place.jail("", [engine, "-interaction=nonstopmode", "paper.tex"]).succeeds();
    let pdf = std::fs::read(place.path("{work}/paper.pdf")).unwrap();
    assert!(pdf.starts_with(b"%PDF-") && pdf.len() > 5000);
    assert!(place.path("{work}/paper.toc").exists());
}

fn input(place: &Place) {
    let text = r"\documentclass{article}\begin{document}\input{/etc/passwd}\end{document}";
    place.write("{work}/paper.tex", text, 0o644);
    let alone = Place::new(place.user());
    alone.write("{work}/paper.tex", text, 0o644);
    let _ = alone.free(["pdflatex", "-recorder", "-interaction=nonstopmode", "paper.tex"]);
    let read = std::fs::read_to_string(alone.path("{work}/paper.fls")).unwrap();
    assert!(read.contains("INPUT /etc/passwd"), "the control reads nothing: {read}");
    let ran = hostile(place, "pdflatex", "");
    let breach = breach(&ran, Mode::Read, "/etc/passwd");
    assert_eq!(breach.argv.first().map(String::as_str), Some("pdflatex"), "{ran}");
}

fn openout(place: &Place) {
    let text = r"\documentclass{article}\begin{document}\newwrite\out
        \immediate\openout\out=../stray.tex \immediate\write\out{stray}\end{document}";
    // By itself the engine writes below its directory alone; the jail must not need that.
    let options = "--env openout_any=a";
    let alone = Place::new(place.user());
    alone.write("{work}/paper.tex", text, 0o644);
    let words = ["env", "openout_any=a", "pdflatex", "-interaction=nonstopmode", "paper.tex"];
    let _ = alone.free(words);
    assert!(alone.path("{root}/stray.tex").exists(), "the control writes nothing");
    place.write("{work}/paper.tex", text, 0o644);
    let ran = hostile(place, "pdflatex", options);
    let _ = breach(&ran, Mode::Write, &place.text("{root}/stray.tex"));
    assert!(!place.path("{root}/stray.tex").exists());
}

const SHELL: &str = r"\documentclass{article}\begin{document}
    \immediate\write18{cat /etc/passwd >stolen}\end{document}";

fn shell_escape(place: &Place) {
    control(place, "pdflatex", SHELL);
    place.write("{work}/paper.tex", SHELL, 0o644);
    let ran = hostile(place, "pdflatex", "");
    let breach = breach(&ran, Mode::Read, "/etc/passwd");
    assert_eq!(breach.argv, ["cat", "/etc/passwd"], "{ran}");
    let above: Vec<_> = breach.ancestors.iter().map(|above| &above.argv[0][..]).collect();
    assert!(above.contains(&"pdflatex"), "{above:?}");
}

fn piped_input(place: &Place) {
    let text = r#"\documentclass{article}\begin{document}\input{|"cat /etc/passwd"}\end{document}"#;
    place.write("{work}/paper.tex", text, 0o644);
    let ran = hostile(place, "pdflatex", "");
    assert_eq!(breach(&ran, Mode::Read, "/etc/passwd").argv, ["cat", "/etc/passwd"], "{ran}");
}

fn lua_input(place: &Place) {
    let text = r"\input{/etc/passwd}\documentclass{article}\begin{document}\end{document}";
    place.write("{work}/paper.tex", text, 0o644);
    let ran = hostile(place, "lualatex", "");
    let _ = breach(&ran, Mode::Read, "/etc/passwd");
}

fn lua_open(place: &Place) {
    let text = r#"\directlua{
        local f = io.open("/etc/passwd"); local g = io.open("stolen", "w")
        g:write(f:read("*a")) g:close()}\documentclass{article}\begin{document}\end{document}"#;
    control(place, "lualatex", text);
    place.write("{work}/paper.tex", text, 0o644);
    let ran = hostile(place, "lualatex", "");
    let _ = breach(&ran, Mode::Read, "/etc/passwd");
}

fn lua_execute(place: &Place) {
    let text = r#"\directlua{os.execute("cat /etc/passwd >stolen")}
        \documentclass{article}\begin{document}\end{document}"#;
    control(place, "lualatex", text);
    place.write("{work}/paper.tex", text, 0o644);
    let ran = hostile(place, "lualatex", "");
    assert_eq!(breach(&ran, Mode::Read, "/etc/passwd").argv, ["cat", "/etc/passwd"], "{ran}");
}

/// Without a jail the document steals the file.
fn control(place: &Place, engine: &str, text: &str) {
    let alone = Place::new(place.user()).for_at_most(Duration::from_secs(120));
    alone.write("{work}/paper.tex", text, 0o644);
    let ran = alone.free(words(engine));
    let stolen = std::fs::read_to_string(alone.path("{work}/stolen")).unwrap_or_default();
    assert!(stolen.contains(PASSWD), "the control steals nothing: {ran}");
}

/// Typesets a document with everything allowed that the engine can allow.
fn hostile(place: &Place, engine: &str, options: &str) -> Ran {
    place.jail(options, words(engine))
}

fn words(engine: &str) -> [&str; 4] {
    [engine, "-shell-escape", "-interaction=nonstopmode", "paper.tex"]
}

/// Returns the one jailbreak; asserts that no file that the run left has a byte of its target.
fn breach<'a>(ran: &'a Ran, mode: Mode, file: &str) -> &'a Jailbreak {
    let breach = ran.leaks_nothing_like(PASSWD).breach();
    assert_eq!((breach.mode, breach.file.as_deref()), (mode, Some(file)), "{ran}");
    let work = &ran.start().cwd;
    for entry in std::fs::read_dir(work).unwrap().flatten() {
        let bytes = std::fs::read(entry.path()).unwrap_or_default();
        let found = bytes.windows(PASSWD.len()).any(|window| window == PASSWD.as_bytes());
        assert!(!found, "{} has what it must not have", entry.path().display());
    }
    breach
}
