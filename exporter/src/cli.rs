//! The command line.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, ValueEnum};
use crds::timestamp;
use jiff::Timestamp;
use program::log::LogFormat;
use program::{answer, exit_code, stopped};

use crate::{baselines, calibrate, check, profile, run};

/// Watches machine-learning features: pulls them from an Arrow Flight server, compares them with a
/// baseline, and serves the result to Prometheus.
///
/// A FeatureMonitor manifest says where the features are, what their normal is, and how many false
/// alarms you accept; limits follow from that. Start with `check`, look at your data with `profile`,
/// then `run`.
#[derive(Debug, Parser)]
#[command(name = "feature-monitor-exporter", version, after_help = EXAMPLES)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// How to log.
    #[command(flatten)]
    pub log: Log,
}

const EXAMPLES: &str = "\
Examples:
  feature-monitor-exporter check -f monitor.yaml            is the manifest right?
  feature-monitor-exporter profile -f monitor.yaml          pull the newest complete window, print a table
  feature-monitor-exporter calibrate -f monitor.yaml        replay past windows: does the false-alarm budget hold?
  feature-monitor-exporter baselines list -f monitor.yaml   which baselines are saved, and which one is in force?
  feature-monitor-exporter run -f monitor.yaml              evaluate on schedule, serve http://localhost:9464/

Exit codes: 0 fine, 1 something is wrong with the input, 2 wrong usage.";

/// What the program can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Evaluate on schedule; serve /metrics, a page for people at /, /-/status, /-/ready, /-/healthy.
    ///
    /// The manifest is read again when it changes. A new manifest that is wrong is refused, said so
    /// in the log and in featuremonitor_config_reload_success, and the old one stays in force.
    Run(Run),
    /// Say whether manifests are valid: every violation with its path, what was found, what to write.
    ///
    /// The rules' expressions are read as SQL once nothing else is wrong with a manifest. Which columns there are, and of
    /// which types, only the source knows: with --source it is asked, and every name that the manifest writes is looked for.
    Check(Check),
    /// Pull one window once and print what is in it, compared with the baseline.
    ///
    /// Without a saved baseline one is made from the reference windows for this call and not saved.
    /// Prints, for each feature, its statistics, its distances with their limits, and which part of a
    /// limit holds and why.
    Profile(Profile),
    /// Replay windows of the past and say whether the false-alarm budget holds on them, and what to write if not.
    ///
    /// The windows are taken as undrifted, so that every alarm in them counts as false. Prints, for each check, the alarms
    /// that the budget gives and those that there were, with an exact interval; for each feature with more than its share,
    /// the limit that would have held; and all of these limits as a patch for the manifest. Nothing is saved.
    Calibrate(Calibrate),
    /// Look at the saved baselines: which there are, what is in one, and how two of them differ.
    ///
    /// The one in force is there, and the last five that it replaced. Reads saved state only: the source is not asked, and no
    /// baseline is made or changed. To accept a change, raise spec.baseline.revision. Ends with 1 where the folder that
    /// --state-dir names is not there, and where a saved baseline cannot be read.
    Baselines(Baselines),
}

/// `baselines`
#[derive(Debug, Args)]
pub struct Baselines {
    /// What to look at.
    #[command(subcommand)]
    pub command: BaselinesCommand,
}

/// What can be looked at of baselines.
#[derive(Debug, Subcommand)]
pub enum BaselinesCommand {
    /// The saved baselines, the newest first, in a line each.
    List(BaselinesList),
    /// What one is made of, its windows, and its features with their values. Sensitive features come without values.
    Show(BaselinesShow),
    /// How one differs from another: what it is made of, and its features, the largest change first.
    ///
    /// Each baseline has bins of its own. Numbers are compared by the Kolmogorov-Smirnov distance, which is known up to the
    /// error beside it; categories by the population stability index over those that both name.
    Diff(BaselinesDiff),
}

/// `baselines list`
#[derive(Debug, Args)]
pub struct BaselinesList {
    /// Where the manifest is and what belongs to it.
    #[command(flatten)]
    pub input: Input,
    /// Form of the answer.
    #[arg(long, value_enum, default_value_t)]
    pub output: Output,
}

/// `baselines show`
#[derive(Debug, Args)]
pub struct BaselinesShow {
    /// Its version; the one in use when not given.
    #[arg(value_name = "VERSION", value_parser = version)]
    pub version: Option<u32>,
    /// Where the manifest is and what belongs to it.
    #[command(flatten)]
    pub input: Input,
    /// Form of the answer.
    #[arg(long, value_enum, default_value_t)]
    pub output: Output,
}

/// `baselines diff`
#[derive(Debug, Args)]
pub struct BaselinesDiff {
    /// The version to compare from.
    #[arg(value_name = "FROM", value_parser = version)]
    pub from: u32,
    /// The version to compare with; the one in use when not given.
    #[arg(value_name = "TO", value_parser = version)]
    pub to: Option<u32>,
    /// Where the manifest is and what belongs to it.
    #[command(flatten)]
    pub input: Input,
    /// Form of the answer.
    #[arg(long, value_enum, default_value_t)]
    pub output: Output,
}

/// `run`
#[derive(Debug, Args)]
pub struct Run {
    /// Where the manifest is and what belongs to it.
    #[command(flatten)]
    pub input: Input,
    /// Address to serve on, as `host:port` or `:port`.
    #[arg(
        long = "web.listen-address",
        value_name = "ADDRESS",
        default_value = ":9464"
    )]
    pub listen_address: String,
    /// TLS and basic authentication, in the form of Prometheus' exporter-toolkit.
    #[arg(long = "web.config.file", value_name = "FILE")]
    pub web_config: Option<PathBuf>,
}

/// Where the manifest is and what belongs to it.
#[derive(Debug, Args)]
pub struct Input {
    /// A FeatureMonitor manifest (YAML or JSON).
    #[arg(short = 'f', long = "file", value_name = "FILE")]
    pub file: PathBuf,
    /// Folder of secrets and CA certificates, one file each: <name>/<key>.
    #[arg(
        long = "secrets-dir",
        value_name = "DIR",
        default_value = "/etc/feature-monitor/secrets"
    )]
    pub secrets_dir: PathBuf,
    /// Folder for the baseline and what was judged last; wins over spec.exporter.state [default: ./feature-monitor-state, where
    /// the manifest has no bucket].
    #[arg(long = "state-dir", value_name = "DIR")]
    pub state_dir: Option<PathBuf>,
}

/// `check`
#[derive(Debug, Args)]
pub struct Check {
    /// FeatureMonitor manifests (YAML or JSON).
    #[arg(short = 'f', long = "file", value_name = "FILE", required = true, num_args = 1..)]
    pub files: Vec<PathBuf>,
    /// Ask each manifest's source for its columns, and check the names and types in spec.data, in overrides and in spec.rules
    /// against them.
    #[arg(long)]
    pub source: bool,
    /// Folder of secrets and CA certificates, one file each: <name>/<key>; for --source.
    #[arg(
        long = "secrets-dir",
        value_name = "DIR",
        default_value = "/etc/feature-monitor/secrets"
    )]
    pub secrets_dir: PathBuf,
    /// Form of the answer.
    #[arg(long, value_enum, default_value_t)]
    pub output: Output,
}

/// `profile`
#[derive(Debug, Args)]
pub struct Profile {
    /// Where the manifest is and what belongs to it.
    #[command(flatten)]
    pub input: Input,
    /// An instant inside the window to pull (RFC 3339); the newest complete window when not given.
    #[arg(long, value_name = "TIME", value_parser = timestamp::parse)]
    pub window: Option<jiff::Timestamp>,
    /// Form of the answer.
    #[arg(long, value_enum, default_value_t)]
    pub output: Output,
}

/// `calibrate`
#[derive(Debug, Args)]
pub struct Calibrate {
    /// Where the manifest is and what belongs to it.
    #[command(flatten)]
    pub input: Input,
    /// Replay the windows wholly after this instant (RFC 3339), up to --to.
    #[arg(long, value_name = "TIME", value_parser = timestamp::parse, requires = "to")]
    pub from: Option<jiff::Timestamp>,
    /// Replay the windows wholly before this instant (RFC 3339), from --from on.
    #[arg(long, value_name = "TIME", value_parser = timestamp::parse, requires = "from")]
    pub to: Option<jiff::Timestamp>,
    /// Replay so many windows, the newest complete ones; without it and without --from the newest after the baseline, at
    /// most 52.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000), conflicts_with_all = ["from", "to"])]
    pub windows: Option<u32>,
    /// Form of the answer.
    #[arg(long, value_enum, default_value_t)]
    pub output: CalibrateOutput,
}

/// Form of the answer of `calibrate`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum CalibrateOutput {
    /// For people.
    #[default]
    Table,
    /// For programs.
    Json,
    /// The patch alone, for `kubectl patch --type merge --patch-file`.
    Yaml,
}

/// Form of an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For people.
    #[default]
    Table,
    /// For programs.
    Json,
}

/// How to log.
#[derive(Debug, Args)]
pub struct Log {
    /// Form of the log lines on standard error.
    #[arg(long = "log.format", value_enum, default_value_t, global = true)]
    pub format: LogFormat,
    /// Level (error, warn, info, debug, trace) or a filter such as `exporter=debug,info`;
    /// info for `run`, warn for the others.
    #[arg(long = "log.level", value_name = "LEVEL", global = true)]
    pub level: Option<String>,
    /// Send traces of evaluations to this OpenTelemetry collector (OTLP over gRPC).
    #[arg(long = "otlp.endpoint", value_name = "URL", global = true)]
    pub otlp_endpoint: Option<String>,
}

/// The version of a baseline. The error says what to write.
fn version(text: &str) -> Result<u32, &'static str> {
    let refused = "write a version's number, such as 2: `baselines list` has them";
    text.parse().map_err(|_| refused)
}

/// An answer as it is printed: without blanks at the ends of lines, with which each row of a table would go over two lines of a
/// terminal, and with one line's end.
fn printed(text: &str) -> String {
    let lines: Vec<&str> = text.trim_end().lines().map(str::trim_end).collect();
    lines.join("\n") + "\n"
}

/// The exit code of an answer that says whether what was looked at is right.
fn found(answered: Result<(), String>, right: bool) -> ExitCode {
    match answered {
        Ok(()) => ExitCode::from(u8::from(!right)),
        Err(error) => exit_code(Err(error)),
    }
}

/// Does what a command asks; the exit code is 0, or 1 when something is wrong with the input.
pub async fn execute(command: Command) -> ExitCode {
    let outcome = match command {
        Command::Run(args) => run::run(args, Timestamp::now, stopped())
            .await
            .map_err(|error| error.to_string()),
        Command::Check(args) => {
            let (text, valid) = check::check(&args, Timestamp::now()).await;
            return found(answer(&text), valid);
        }
        Command::Calibrate(args) => calibrate::calibrate(&args, Timestamp::now())
            .await
            .and_then(|text| answer(&printed(&text))),
        Command::Baselines(args) => match baselines::baselines(&args).await {
            Ok((text, readable)) => {
                return found(answer(&printed(&text)), readable);
            }
            Err(error) => Err(error),
        },
        Command::Profile(args) => profile::profile(&args, Timestamp::now())
            .await
            .and_then(|text| answer(&printed(&text))),
    };
    exit_code(outcome)
}
