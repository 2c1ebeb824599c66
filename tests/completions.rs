//! The completions that the package holds, asked the way bash asks them.

use std::path::Path;
use std::process::Command;

/// Calls the function that the script registers, as bash(1), "Programmable Completion", says.
const ASK: &str = r#"
source "$1" && shift
function=$(complete -p hezo-intake | sed 's/.*-F \([^ ]*\).*/\1/')
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
"$function" hezo-intake "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}" && echo "${COMPREPLY[@]}"
"#;

fn offered(script: &Path, line: &str) -> Vec<String> {
    let output =
        Command::new("bash").arg("-c").arg(ASK).arg("bash").arg(script).args(line.split(' ')).output().expect("bash");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    // Outside an interactive bash compopt has nothing to set.
    assert!(output.status.success(), "{line}: {said}");
    String::from_utf8_lossy(&output.stdout).split_whitespace().map(str::to_string).collect()
}

#[test]
fn bash_completes_every_level() {
    let dir = tempfile::tempdir().expect("a folder");
    let program = env!("CARGO_BIN_EXE_hezo-intake");
    assert!(Command::new(program).arg("manual").arg(dir.path()).status().expect("the program").success());
    let script = dir.path().join("hezo-intake.bash");
    let check = |line: &str, expected: &[&str]| {
        let offered = offered(&script, line);
        let missing: Vec<_> = expected.iter().filter(|word| !offered.iter().any(|one| one == *word)).collect();
        assert!(missing.is_empty(), "{line}: {missing:?} of {offered:?}");
        offered
    };
    let first = check("hezo-intake ", &["run", "status", "tickets", "help"]);
    for hidden in ["manual", "reload", "read-attachment"] {
        assert!(first.iter().all(|word| word != hidden), "{first:?}");
    }
    assert_eq!(check("hezo-intake sta", &["status"]).len(), 1);
    assert_eq!(check("hezo-intake config --ex", &["--explain"]).len(), 1);
    check("hezo-intake tickets ", &["list", "show", "do"]);
    check("hezo-intake tickets do Z26-000123-7 ", &["accept", "go-on", "close"]);
    let options = check("hezo-intake report --", &["--last-month", "--csv", "--config"]);
    assert!(options.iter().all(|word| word != "--now"), "{options:?}");
    for name in ["_hezo-intake", "hezo-intake.fish"] {
        let text = std::fs::read_to_string(dir.path().join(name)).expect("the completions");
        assert!(text.contains("tickets") && !text.contains("read-attachment"), "{name}");
    }
}
