//! Where the programs are that tests start: Python, tools of others, and our own.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// A program of others: `promtool`, `prometheus`, `versitygw`.
///
/// Looked for in `FM_BIN_DIR`, on `PATH`, and where `make tools` builds them. The error is a sentence
/// that says what to do.
pub fn tool(name: &str) -> Result<PathBuf, String> {
    let given = std::env::var_os("FM_BIN_DIR").map(PathBuf::from);
    let path = std::env::var_os("PATH").unwrap_or_default();
    given
        .into_iter()
        .chain(std::env::split_paths(&path))
        .chain(cache().map(|cache| cache.join("bin")))
        .map(|folder| folder.join(name))
        .find(|program| program.is_file())
        .ok_or_else(|| {
            format!(
                "{name} is neither in FM_BIN_DIR nor on PATH: `make tools` builds it (needs Go)"
            )
        })
}

/// Runs promtool with a text on its standard input; what it says, or nothing when it is content and ends with 0.
///
/// # Panics
///
/// When there is no promtool.
pub fn promtool(arguments: &[&str], input: &str) -> Result<(), String> {
    let promtool = tool("promtool").unwrap_or_else(|error| panic!("{error}"));
    let mut child = Command::new(promtool)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool starts");
    let mut stdin = child.stdin.take().expect("it was piped");
    let input = input.to_owned();
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output().expect("promtool ends");
    // promtool may end before it has read everything; what it said then matters more.
    let _ = writer.join();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).trim().to_owned();
    if output.status.success() && said.is_empty() {
        Ok(())
    } else {
        Err(said)
    }
}

/// Checks rules, as YAML or JSON.
///
/// # Panics
///
/// When promtool has a complaint about them.
pub fn promtool_accepts(rules: &str) {
    let file = tempfile::NamedTempFile::new().expect("a temporary file can be made");
    std::fs::write(file.path(), rules).expect("it can be written");
    let output = Command::new(tool("promtool").unwrap_or_else(|error| panic!("{error}")))
        .args(["check", "rules", "--lint=all", "--lint-fatal"])
        .arg(file.path())
        .output()
        .expect("promtool starts");
    let said = [output.stdout, output.stderr].concat();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&said)
    );
}

/// A Python with the packages of `tests/requirements.txt`: `FM_PYTHON`, or the environment that
/// `make venv` keeps in the cache, which is made when it is not there. The error is a sentence that
/// says what to do.
pub fn python() -> Result<PathBuf, String> {
    static FOUND: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    FOUND.get_or_init(find_python).clone()
}

fn find_python() -> Result<PathBuf, String> {
    if let Some(given) = std::env::var_os("FM_PYTHON").map(PathBuf::from) {
        return if given.is_file() {
            Ok(given)
        } else {
            Err(format!(
                "FM_PYTHON is {}, and there is no such file",
                given.display()
            ))
        };
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("setup/python.sh");
    let output = Command::new(&script)
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("cannot run {}: {error}", script.display()))?;
    let path = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    if output.status.success() && path.is_file() {
        Ok(path)
    } else {
        Err("there is no Python for the tests: `make venv` installs its packages".to_owned())
    }
}

/// The exporter as it was built: `FM_EXPORTER`, or beside the test that runs. The error is a sentence that says what to do.
pub fn exporter() -> Result<PathBuf, String> {
    ours("feature-monitor-exporter", "FM_EXPORTER")
}

/// The operator as it was built: `FM_OPERATOR`, or beside the test that runs. The error is a sentence that says what to do.
pub fn operator() -> Result<PathBuf, String> {
    ours("feature-monitor-operator", "FM_OPERATOR")
}

/// A program of this project. Tests of another package do not make cargo build it; `make test` does.
fn ours(name: &str, variable: &str) -> Result<PathBuf, String> {
    if let Some(given) = std::env::var_os(variable).map(PathBuf::from) {
        return if given.is_file() {
            Ok(given)
        } else {
            Err(format!(
                "{variable} is {}, and there is no such file",
                given.display()
            ))
        };
    }
    // A test is target/<profile>/deps/<name>-<hash>.
    let test =
        std::env::current_exe().map_err(|error| format!("this test has no path: {error}"))?;
    let built = test.ancestors().nth(2).map(|profile| profile.join(name));
    built.filter(|program| program.is_file()).ok_or_else(|| {
        format!(
            "{name} is not built: `cargo build -p {name}` builds it, and `make test` does so first"
        )
    })
}

fn cache() -> Option<PathBuf> {
    let named = |variable| {
        std::env::var_os(variable)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    named("XDG_CACHE_HOME")
        .or_else(|| named("HOME").map(|home| home.join(".cache")))
        .map(|cache| cache.join("feature-monitor"))
}
