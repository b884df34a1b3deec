//! docs/customers.md: every figure on it is one of the rows or of the replay. Where one is not, what is to be written is told.

use serde_json::Value;

use super::{WEEKS, budget, number};
use harness::customers::workspace;

const PAGE: &str = "docs/customers.md";
/// Numbers that are no findings: the year of the data, the day of its first purchase, and the lengths over which features count.
const GIVEN: [&str; 4] = ["1 January 2017", "2017", "91 days", "28 days"];
const DEMOGRAPHICS: [&str; 6] = [
    "age",
    "income",
    "home_ownership",
    "marital_status",
    "household_size",
    "kids_count",
];

/// Compares the page with what `calibrate` answers and with the figures of the rows.
///
/// # Panics
///
/// When the page differs, or has a figure that is compared with nothing.
pub fn compare(answer: &Value, rows: &Value) {
    let mut page = Page::read();
    let replay = Replay(answer);
    introduction(&mut page, &replay, rows);
    coupons(&mut page, &replay, rows);
    lapses(&mut page, &replay, rows);
    totals(&mut page, &replay, rows);
    stores(&mut page, &replay, rows);
    quiet(&mut page, &replay);
    page.end();
}

fn introduction(page: &mut Page, replay: &Replay<'_>, rows: &Value) {
    let windows = &replay.0["windows"]["judged"];
    page.says(&format!(
        "# What the monitor finds in {windows} weeks of real customers"
    ));
    let hundreds = number(&rows["households"]) / 100.0;
    let hundreds = hundreds.round() as u64;
    let households = format!("{},{}00", hundreds / 10, hundreds % 10);
    page.says(&format!("weekly snapshots of {households} households"));
    let baseline = word(&replay.0["baseline"]["windows"]);
    page.says(&format!(
        "Its baseline is {baseline} weeks of spring; the {windows} weeks after it are judged."
    ));
    let [warning, critical] =
        ["warning", "critical"].map(|severity| budget(replay.0, severity, None));
    page.says(&format!(
        "{} warnings where the budget gives {:.0}, and {} critical alarms where it gives {:.1}.",
        warning["alarms"],
        number(&warning["expected"]),
        critical["alarms"],
        number(&critical["expected"]),
    ));
    page.says(&format!("{} tests a week are made", warning["tests"]));
}

fn coupons(page: &mut Page, replay: &Replay<'_>, rows: &Value) {
    let of = |week: &str, what: &str| number(&rows["coupons"][week][what]);
    let all = ["baseline", "26", "40", "52"];
    let [june, october, end] = ["26", "40", "52"];
    page.says(&format!(
        "| | baseline | June (week {june}) | October (week {october}) | end of the year |"
    ));
    let means = all.map(|week| format!("{:.2}", of(week, "campaigns")));
    page.row("campaigns active for a household, mean", &means);
    let before = [june, october, end].map(|week| number(&rows["busiest_before"][week]));
    let [june, october, end] = before.map(|mean| format!("{mean:.2}"));
    page.row(
        "the same in the busiest week before",
        &[String::new(), june, october, end],
    );
    let shares = all.map(|week| percent(of(week, "redeemed")));
    page.row("households that redeemed a coupon within 91 days", &shares);
    for (group, name) in [
        ("of two persons", "of_two"),
        ("of households that told their size, all in all", "told"),
        ("of those that did not", "untold"),
    ] {
        let [first, last] = ["baseline", "52"].map(|week| percent(of(week, name)));
        page.row(group, &[first, String::new(), String::new(), last]);
    }

    let runs = word(&replay.test("campaigns_active", "drift")["critical"]["alarms"]);
    page.says(&format!(
        "{runs} runs of weeks in which drift is critical, each as long as a campaign"
    ));
    let drift = &replay.test("coupons_redeemed_91d", "drift")["warning"];
    page.says_where(
        drift["finding"] == "lasting" && drift["proposal"]["inPatch"] == false,
        &format!(
            "`coupons_redeemed_91d` rises and stays, a warning in {} of {} weeks: `calibrate` lists it among the changes that \
             last, and its patch has no limit for it.",
            drift["windowsOver"], drift["windows"],
        ),
    );
    let rise = |group: &str| of("52", group) - of("baseline", group);
    page.says(&format!(
        "By segments the same change is critical in {} weeks: it is {} times as large where the household's size is known, since \
         those households are sent {} times as many campaigns.",
        replay.over("coupons_redeemed_91d", "segments", "critical"),
        rounded(rise("told") / rise("untold")),
        rounded(number(&rows["sizes"]["campaigns"])),
    ));
    let thirds = 3.0 * number(&rows["sizes"]["untold"]);
    page.says(&format!(
        "The {} thirds without one hide it in all rows.",
        rounded(thirds)
    ));
    page.says(&format!(
        "Its association with other features is critical in {} weeks",
        replay.over("coupons_redeemed_91d", "correlation", "critical"),
    ));
}

fn lapses(page: &mut Page, replay: &Replay<'_>, rows: &Value) {
    page.says_where(
        rows["none_in_91d_at_first"] == 0.0,
        "every household that is known at all had bought something within 91 days",
    );
    page.says("| | baseline | week 20 | week 30 | week 40 | week 52 |");
    let of = |what: &str| {
        ["baseline", "20", "30", "40", "52"].map(|week| number(&rows["lapses"][week][what]))
    };
    page.row(
        "nothing bought for 91 days",
        &of("none_in_91d").map(percent),
    );
    assert_eq!(of("no_spread"), of("at_most_one_in_91d"));
    page.row(
        "at most one purchase in 91 days (no spread of baskets)",
        &of("no_spread").map(percent),
    );
    page.row(
        "nothing bought for 28 days",
        &of("none_in_28d").map(percent),
    );
    let days = of("recency_days").map(|days| format!("{days:.1}"));
    page.row("days since the last purchase, mean", &days);

    let over = |name: &str| replay.over(name, "missing", "warning");
    let limit = |name: &str| number(&replay.test(name, "missing")["warning"]["limit"]["value"]);
    let short = |name: &&str| name.ends_with("_mean_28d") && over(name) > 0;
    let warned: Vec<&str> = replay.features().filter(|name| over(name) > 0).collect();
    let (short, long): (Vec<&str>, Vec<&str>) = warned.into_iter().partition(short);
    let critical = replay
        .features()
        .any(|name| replay.over(name, "missing", "critical") > 0);
    let [first, shortest] = [&long, &short].map(|names| {
        let first = names.first().expect("some are missing more often");
        let alike = |name: &&str| over(name) == over(first) && limit(name) == limit(first);
        let weeks: Vec<_> = names.iter().map(|name| (name, over(name))).collect();
        assert!(names.iter().all(alike), "no longer as one: {weeks:?}");
        *first
    });
    // What the monitor takes for its limits is what the formulas give.
    for (name, expected) in [(first, "of_91d"), (shortest, "of_28d")] {
        let expected = number(&rows["missing"][expected]);
        assert!((limit(name) - expected).abs() < 1e-9, "{name}");
    }
    page.says_where(
        !critical,
        &format!(
            "The check `missing` warns of {} features of the last 91 days in {} weeks, and is critical of none: they are over \
             their limit once the increase is past {} percentage points.",
            long.len(),
            over(first),
            rounded(100.0 * limit(first)),
        ),
    );
    let lapsed = &rows["lapsed_features"];
    page.says_where(
        lapsed["features"] == long.len(),
        &format!(
            "They are null in the same rows but for {} household",
            word(&lapsed["rows_apart"])
        ),
    );
    page.says(&format!(
        "say one thing {} times: six weeks of hardly more than one series make a limit of {:.3}, where series that move by \
         themselves would make one of {:.3}.",
        long.len(),
        limit(first),
        number(&rows["missing"]["of_91d_apart"]),
    ));
    page.says(&format!("It is one cause in {} columns", long.len()));
    page.says(&format!(
        "Means of the last 28 days, {} features that are null where nothing was bought for so long, are over a limit of {:.3} \
         in {} weeks.",
        word(&short.len().into()),
        limit(shortest),
        over(shortest),
    ));
    page.says_where(
        replay.is_silent("missing_patterns"),
        "The check `missingPatterns` does not alarm",
    );
}

fn totals(page: &mut Page, replay: &Replay<'_>, rows: &Value) {
    let [least, most] = ["least", "most"].map(|side| number(&rows["tenure_growth"][side]));
    page.says_where(
        most - least < 1e-9,
        &format!("`tenure_days` grows by {} a week", rounded(most)),
    );
    let own = |test: &&Value| test["check"] != "correlation";
    let alarms = replay.of("tenure_days").filter(own).any(has_alarms);
    let moving = replay.test("tenure_days", "drift")["warning"]["finding"] == "moving";
    page.says_where(
        moving && !alarms,
        &format!(
            "it is reported as moving and its own values raise no alarm. Its associations with other features do, a warning \
             in {} weeks.",
            replay.over("tenure_days", "correlation", "warning"),
        ),
    );
    let mean = |week: &str| number(&rows["frequency_total"][week]);
    page.says(&format!(
        "has a mean of {:.0} in the baseline and of {:.0} at the end of the year.",
        mean("baseline"),
        mean("52"),
    ));
    page.says_where(
        replay.test("frequency_total", "drift")["warning"]["finding"] != "moving",
        &format!(
            "it does not differ enough to be called moving, so its drift is critical in {} weeks and its outliers in {}.",
            replay.over("frequency_total", "drift", "critical"),
            replay.over("frequency_total", "outliers", "critical"),
        ),
    );
    page.says_where(
        !replay.of("frequency_28d").any(has_alarms),
        "`frequency_28d` does and which raises no alarm",
    );
}

fn stores(page: &mut Page, replay: &Replay<'_>, rows: &Value) {
    let share = |week: &str| percent(number(&rows["new_stores"][week]));
    page.says(&format!(
        "{} of the households that have one in the first week after the baseline, {} in week 30, {} at the end of the year.",
        share("19"),
        share("30"),
        share("52"),
    ));
    let quality = &replay.test("home_store", "quality")["warning"];
    page.says_where(
        number(&quality["limit"]["value"]) == 0.01,
        &format!(
            "The check `quality` warns in {} weeks, once the increase is past one percentage point, and drift in {}.",
            quality["windowsOver"],
            replay.over("home_store", "drift", "warning"),
        ),
    );
}

fn quiet(page: &mut Page, replay: &Replay<'_>) {
    let quiet: Vec<&str> = replay
        .features()
        .filter(|name| !replay.of(name).any(has_alarms))
        .collect();
    page.says_where(
        quiet.contains(&"monetary_28d") && quiet.contains(&"frequency_28d"),
        &format!(
            "{} of the {} features raise no alarm of any check in {} weeks, spending and purchases of the last 28 days \
             among them.",
            capital(&word(&quiet.len().into())),
            replay.features().count(),
            WEEKS.count(),
        ),
    );
    page.says_where(
        ["imputation", "duplicates", "missing_patterns"]
            .iter()
            .all(|check| replay.is_silent(check)),
        "Imputation, duplicate keys and missing patterns raise none",
    );
    page.says_where(
        DEMOGRAPHICS
            .iter()
            .all(|name| !has_alarms(replay.test(name, "drift"))),
        &format!(
            "the distributions of the {} columns of demographics do not move.",
            word(&DEMOGRAPHICS.len().into())
        ),
    );
    let alarms = |severity: &str| -> u64 {
        ["household_size", "kids_count"]
            .iter()
            .map(|name| count(&replay.test(name, "performance")[severity]["alarms"]))
            .sum()
    };
    let [warning, critical] = ["warning", "critical"].map(alarms);
    page.says(&format!(
        "What `household_size` and `kids_count` tell about the target raises {} alarms between them, {} of them critical",
        word(&(warning + critical).into()),
        word(&critical.into()),
    ));
}

/// What `calibrate` answers about these weeks.
struct Replay<'a>(&'a Value);

impl<'a> Replay<'a> {
    fn tests(&self) -> impl Iterator<Item = &'a Value> + use<'a> {
        self.0["tests"].as_array().expect("a list").iter()
    }

    /// The tests of one feature.
    fn of<'b>(&self, feature: &'b str) -> impl Iterator<Item = &'a Value> + use<'a, 'b> {
        self.tests().filter(move |test| test["feature"] == feature)
    }

    fn test(&self, feature: &str, check: &str) -> &'a Value {
        self.of(feature)
            .find(|test| test["check"] == check)
            .unwrap_or_else(|| panic!("no {check} of {feature}"))
    }

    fn features(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.tests()
            .filter(|test| test["check"] == "drift")
            .filter_map(|test| test["feature"].as_str())
    }

    /// In how many weeks a test is over its limit.
    fn over(&self, feature: &str, check: &str, severity: &str) -> u64 {
        count(&self.test(feature, check)[severity]["windowsOver"])
    }

    fn is_silent(&self, check: &str) -> bool {
        ["warning", "critical"]
            .iter()
            .all(|severity| budget(self.0, severity, Some(check))["alarms"] == 0)
    }
}

fn has_alarms(test: &Value) -> bool {
    ["warning", "critical"]
        .iter()
        .any(|severity| count(&test[severity]["alarms"]) > 0)
}

/// The page, what of it nothing has been compared with yet, and what is wrong on it.
struct Page {
    text: String,
    rest: String,
    wrong: Vec<String>,
}

impl Page {
    fn read() -> Self {
        let text = std::fs::read_to_string(workspace().join(PAGE)).expect("the page is there");
        let outside: Vec<&str> = text.split("```").step_by(2).collect();
        let text = words(&outside.join(" "));
        Self {
            rest: text.clone(),
            text,
            wrong: Vec::new(),
        }
    }

    /// Something that the page is to say, wherever its lines end.
    fn says(&mut self, said: &str) {
        let said = words(said);
        if self.text.contains(&said) {
            self.rest = self.rest.replace(&said, " ");
        } else {
            let found = self.instead_of(&said);
            self.wrong
                .push(format!("it is to say  {said}\n  and says      {found}"));
        }
    }

    /// Something that the page is to say while it is so.
    fn says_where(&mut self, is_so: bool, said: &str) {
        self.says(said);
        if !is_so {
            self.wrong
                .push(format!("not all of this is so any more: {said}"));
        }
    }

    /// A row of a table.
    fn row(&mut self, label: &str, cells: &[String]) {
        self.says(&format!("| {label} | {} |", cells.join(" | ")));
    }

    /// What stands where the page begins with the same words, for a message.
    fn instead_of(&self, said: &str) -> String {
        let ends = said.match_indices(' ').map(|(end, _)| end);
        let place = ends
            .filter_map(|end| self.text.find(&said[..end]))
            .next_back()
            .unwrap_or(self.text.len());
        let found: String = self.text[place..].chars().take(said.len() + 10).collect();
        match found.is_empty() {
            true => "nothing like it".to_owned(),
            false => found,
        }
    }

    fn end(mut self) {
        for given in GIVEN {
            self.rest = self.rest.replace(given, " ");
        }
        // Names have numbers in them, and are no figures.
        let prose: Vec<&str> = self.rest.split('`').step_by(2).collect();
        let prose = prose.join(" ");
        let is_figure = |word: &&str| word.contains(|c: char| c.is_ascii_digit());
        let figures: Vec<&str> = prose.split(' ').filter(is_figure).collect();
        // A figure that is not as it is to be has been told already.
        if self.wrong.is_empty() && !figures.is_empty() {
            self.wrong
                .push(format!("these are compared with nothing: {figures:?}"));
        }
        assert!(
            self.wrong.is_empty(),
            "{PAGE}:\n- {}",
            self.wrong.join("\n- ")
        );
    }
}

/// A text on one line.
fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn count(value: &Value) -> u64 {
    value
        .as_u64()
        .unwrap_or_else(|| panic!("{value} is no count"))
}

fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

/// A number as the nearest count in words.
fn rounded(number: f64) -> String {
    word(&(number.round() as u64).into())
}

/// A count as it is written in a sentence.
fn word(value: &Value) -> String {
    const WORDS: [&str; 13] = [
        "no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
        "eleven", "twelve",
    ];
    let count = count(value);
    let word = usize::try_from(count)
        .ok()
        .and_then(|count| WORDS.get(count));
    word.map_or_else(|| count.to_string(), |&word| word.to_owned())
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    let first = letters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}
