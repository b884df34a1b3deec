//! A real Kubernetes for a test, of the size that the test needs, ended with the test.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// The exit code of `up.sh` where a machine cannot be a node.
const IMPOSSIBLE: i32 = 3;

/// How much of Kubernetes runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// The API server alone: it validates, authorises and stores. Ready in about 4 seconds.
    Api,
    /// Also the controllers and the scheduler: garbage collection, Deployments that make pods. Ready in
    /// about 10 seconds. Pods run only where [`Cluster::play_nodes`] plays nodes for them.
    Control,
    /// Also a node with a network of its own: pods that run, Services, DNS, volumes. Needs root. Ready in
    /// about 15 seconds.
    Node,
}

impl Size {
    fn name(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Control => "control",
            Self::Node => "node",
        }
    }
}

/// A running cluster. Dropping it ends everything that belongs to it.
///
/// It also ends when the test's process does, so a `static` may hold one that several tests share.
#[derive(Debug)]
pub struct Cluster {
    folder: TempDir,
    kubeconfig: PathBuf,
}

impl Cluster {
    /// Starts a cluster.
    ///
    /// # Panics
    ///
    /// When it cannot be started; what `up.sh` said is in the message, with the end of the log of the part
    /// that failed.
    pub fn start(size: Size) -> Self {
        match Self::try_start(size) {
            Ok(cluster) => cluster,
            Err(reason) => panic!(
                "a cluster of size {} is not possible: {reason}",
                size.name()
            ),
        }
    }

    /// Starts a cluster of size [`Size::Node`], or says on the terminal why this machine cannot, and that the
    /// test that asks is not run.
    ///
    /// # Panics
    ///
    /// As [`Self::start`], on a machine that can.
    pub fn node() -> Option<Self> {
        match Self::try_start(Size::Node) {
            Ok(cluster) => Some(cluster),
            Err(reason) => {
                not_run(&reason);
                None
            }
        }
    }

    /// Takes over a cluster of size [`Size::Node`] that `start` starts in the folder that it is given, or says, as
    /// [`Self::node`] does, why this machine cannot.
    ///
    /// # Panics
    ///
    /// When there is none in the folder afterwards.
    pub fn node_started_by(start: impl FnOnce(&Path)) -> Option<Self> {
        let possible = script("can-node.sh").output().expect("bash is there");
        if possible.status.code() == Some(IMPOSSIBLE) {
            not_run(String::from_utf8_lossy(&possible.stdout).trim());
            return None;
        }
        let folder = new_folder();
        let kubeconfig = folder.path().join("admin.kubeconfig");
        // Made first, so that it is ended too when `start` panics.
        let cluster = Self { folder, kubeconfig };
        start(cluster.folder());
        assert!(cluster.folder().join("name").exists(), "no cluster started");
        Some(cluster)
    }

    fn try_start(size: Size) -> Result<Self, String> {
        let folder = new_folder();
        let output = script("up.sh")
            .arg(size.name())
            .arg(folder.path())
            .arg(std::process::id().to_string())
            .stdin(Stdio::null())
            .output()
            .expect("bash is there");
        let said = String::from_utf8_lossy(&output.stderr);
        if output.status.code() == Some(IMPOSSIBLE) {
            return Err(said.trim().to_owned());
        }
        assert!(
            output.status.success(),
            "a cluster of size {} did not start:\n{said}",
            size.name()
        );
        let kubeconfig = folder.path().join("admin.kubeconfig");
        Ok(Self { folder, kubeconfig })
    }

    /// The kubeconfig file of an administrator. In size [`Size::Node`] its address is reached by what
    /// [`Self::command`] starts, and by nothing else.
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// The folder of everything that the cluster writes: `log/` has one file a process.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A program that is to run where the cluster is reached, as an administrator if it reads `KUBECONFIG`.
    /// `kubectl`, `helm` and `kubeconform` are those of the tests. The process that it starts is the program
    /// itself, so it can be killed and waited for.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(self.folder().join("enter"));
        command.arg(program).env("KUBECONFIG", &self.kubeconfig);
        command
    }

    /// Runs kubectl: what it prints, or what it complains of.
    pub fn kubectl(&self, arguments: &[&str]) -> Result<String, String> {
        self.kubectl_input(arguments, "")
    }

    /// As [`Self::kubectl`], with a text on standard input.
    ///
    /// # Panics
    ///
    /// When kubectl cannot be started.
    pub fn kubectl_input(&self, arguments: &[&str], input: &str) -> Result<String, String> {
        let mut command = self.command("kubectl");
        command.args(arguments);
        run(command, input)
    }

    /// Applies manifests, as `kubectl apply` does: unknown fields are errors.
    pub fn apply(&self, manifests: &str) -> Result<String, String> {
        self.kubectl_input(&["apply", "-f", "-"], manifests)
    }

    /// A resource as JSON; nothing when there is none, or it cannot be had.
    pub fn get(&self, arguments: &[&str]) -> Option<Value> {
        let arguments = [&["get", "--output=json"], arguments].concat();
        serde_json::from_str(&self.kubectl(&arguments).ok()?).ok()
    }

    /// A kubeconfig file with a token of a service account: what uses it may do what a pod of that account may.
    ///
    /// # Panics
    ///
    /// When there is no such account.
    pub fn service_account_kubeconfig(&self, namespace: &str, name: &str) -> PathBuf {
        let mut command = self.command(folder().join("service-account-kubeconfig.sh"));
        command.args([namespace, name]);
        let text = run(command, "").unwrap_or_else(|error| panic!("{error}"));
        let path = self.folder().join(format!("{namespace}.{name}.kubeconfig"));
        std::fs::write(&path, text).expect("the folder of the cluster can be written");
        path
    }

    /// Packs a folder as an image and gives it to the node. It runs as user 65532.
    ///
    /// # Panics
    ///
    /// When that fails.
    pub fn image(&self, name: &str, rootfs: &Path, entrypoint: &str) {
        let archive = tempfile::NamedTempFile::new().expect("a temporary file can be made");
        let mut pack = script("image.sh");
        pack.arg(name)
            .arg(rootfs)
            .arg(entrypoint)
            .arg(archive.path());
        run(pack, "").unwrap_or_else(|error| panic!("{error}"));
        let mut load = script("load-image.sh");
        load.arg(self.folder()).arg(archive.path());
        run(load, "").unwrap_or_else(|error| panic!("{error}"));
    }

    /// Plays nodes in a cluster of size [`Size::Control`]: pods are scheduled and get ready, though nothing runs.
    ///
    /// # Panics
    ///
    /// When that fails.
    pub fn play_nodes(&self, count: usize) {
        let mut play = script("play.sh");
        play.arg(self.folder()).arg(count.to_string());
        run(play, "").unwrap_or_else(|error| panic!("{error}"));
    }

    /// Everything that was asked of the API server so far, as events of `audit.k8s.io/v1` at level Metadata: `user`,
    /// `userAgent`, `verb`, `objectRef`, `responseStatus`. A watch has an event when it starts and one when it ends.
    ///
    /// # Panics
    ///
    /// When the log is not there.
    pub fn audit(&self) -> Vec<Value> {
        let log = self.folder().join("log/audit.jsonl");
        let text = std::fs::read_to_string(&log).expect("the API server writes its audit log");
        // The last line may be half written.
        text.lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect()
    }

    /// Asks again and again until there is an answer.
    ///
    /// # Panics
    ///
    /// When there is none in time; the cluster's warnings are in the message.
    pub fn wait_for<T>(
        &self,
        what: &str,
        timeout: Duration,
        mut ask: impl FnMut() -> Option<T>,
    ) -> T {
        let started = Instant::now();
        loop {
            if let Some(answer) = ask() {
                return answer;
            }
            if started.elapsed() > timeout {
                let warnings = ["get", "events", "--all-namespaces"];
                let warnings = [&warnings[..], &["--field-selector=type!=Normal"]].concat();
                let warnings = self.kubectl(&warnings).unwrap_or_else(|error| error);
                panic!("waited {timeout:?} until {what}; the cluster's warnings:\n{warnings}");
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if !self.folder().join("name").exists() {
            // Ended already.
            return;
        }
        let mut down = script("down.sh");
        down.arg(self.folder());
        // A panic here would hide the test's own; the folder says what is left.
        if let Err(error) = run(down, "") {
            eprintln!(
                "the cluster in {} is not down: {error}",
                self.folder().display()
            );
        }
    }
}

fn new_folder() -> TempDir {
    tempfile::Builder::new()
        .prefix("feature-monitor-cluster-")
        .tempdir()
        .expect("a temporary folder can be made")
}

/// Says on the terminal that the test that runs is not run, and why.
fn not_run(reason: &str) {
    let test = std::thread::current();
    let test = test.name().unwrap_or("a test");
    // Written past the test runner, which shows the output of `eprintln!` for failed tests only.
    let _ = writeln!(std::io::stderr(), "{test} was NOT RUN: {reason}");
}

/// What a command prints, or, when it fails, what it complains of.
fn run(mut command: Command, input: &str) -> Result<String, String> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
    let mut stdin = child.stdin.take().expect("stdin was piped");
    let output = std::thread::scope(|scope| {
        // On a thread, for a program that writes before it has read all. One that does not read at all is no error.
        scope.spawn(move || {
            let _ = stdin.write_all(input.as_bytes());
        });
        child.wait_with_output()
    })
    .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() {
        Ok(text(&output.stdout))
    } else {
        Err(format!("{}\n{}", output.status, text(&output.stderr)))
    }
}

/// The folder of the scripts that start and end clusters.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("cluster")
}

fn script(name: &str) -> Command {
    Command::new(folder().join(name))
}
