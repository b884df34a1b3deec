//! Where people are sent from an alert: to the page that says what to do, and to the board that shows it.

/// Where the runbooks of this project are.
pub const RUNBOOKS: &str =
    "https://github.com/feature-monitor/feature-monitor/blob/main/docs/runbooks";

/// A document of this project, by its path in `docs`, as a link in a text.
pub fn document(text: &str, path: &str) -> String {
    let docs = RUNBOOKS.trim_end_matches("runbooks");
    format!("[{text}]({docs}{path})")
}

/// A board, by what it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Board {
    /// All monitors.
    Overview,
    /// One monitor.
    Monitor,
    /// One feature.
    Feature,
    /// The objectives of one monitor.
    Slo,
    /// What alerts there were, and whether they reached anybody.
    Alerts,
    /// The operator and the exporters.
    Health,
}

impl Board {
    /// All of them.
    pub const ALL: [Board; 6] = [
        Board::Overview,
        Board::Monitor,
        Board::Feature,
        Board::Slo,
        Board::Alerts,
        Board::Health,
    ];

    /// Its title, under which it is found among others.
    pub const fn title(self) -> &'static str {
        match self {
            Board::Overview => "Feature monitors / Overview",
            Board::Monitor => "Feature monitors / Monitor",
            Board::Feature => "Feature monitors / Feature",
            Board::Slo => "Feature monitors / Objectives",
            Board::Alerts => "Feature monitors / Alerts",
            Board::Health => "Feature monitors / Health",
        }
    }

    /// The address in the same Grafana, with its variables from columns of a table, and the data source and the time of the
    /// board that links.
    pub fn drill_down(self, from: &[(&str, &str)]) -> String {
        let variables = from
            .iter()
            .map(|(variable, value)| format!("var-{variable}={value}&"));
        format!(
            "/d/{}?{}var-datasource=${{datasource}}&${{__url_time_range}}",
            self.uid(),
            variables.collect::<String>()
        )
    }

    /// Its `uid`, which stays.
    pub const fn uid(self) -> &'static str {
        match self {
            Board::Overview => "featuremonitor-overview",
            Board::Monitor => "featuremonitor-monitor",
            Board::Feature => "featuremonitor-feature",
            Board::Slo => "featuremonitor-slo",
            Board::Alerts => "featuremonitor-alerts",
            Board::Health => "featuremonitor-health",
        }
    }

    /// Names of the variables that say what it shows; labels of the alert have the same names.
    pub const fn variables(self) -> &'static [&'static str] {
        match self {
            Board::Overview | Board::Alerts | Board::Health => &[],
            Board::Monitor | Board::Slo => &["namespace", "monitor"],
            Board::Feature => &["namespace", "monitor", "feature"],
        }
    }
}

/// Addresses under which runbooks and boards are found, without a slash at the end. `None` leaves the links out.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Links {
    /// Where Grafana is: `https://grafana.example.com`.
    pub grafana: Option<String>,
    /// Where the files of `docs/runbooks` are: `https://git.example.com/feature-monitor/docs/runbooks`.
    pub runbooks: Option<String>,
}

impl Links {
    /// The page about an alert, by its name.
    pub fn runbook(&self, alert: &str) -> Option<String> {
        let base = self.runbooks.as_deref()?.trim_end_matches('/');
        Some(format!("{base}/{alert}.md"))
    }

    /// A board, with its variables as Prometheus fills them in from an alert's labels.
    pub fn board(&self, board: Board) -> Option<String> {
        let base = self.grafana.as_deref()?.trim_end_matches('/');
        let variables = board.variables().iter().map(|name| {
            // Names of features may hold what an address may not.
            format!("var-{name}={{{{ $labels.{name} | urlquery }}}}")
        });
        let variables: Vec<String> = variables.collect();
        let separator = if variables.is_empty() { "" } else { "?" };
        let uid = board.uid();
        Some(format!("{base}/d/{uid}{separator}{}", variables.join("&")))
    }
}
