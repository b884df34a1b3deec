//! The documents say what the programs do.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use exporter::source;
use operator::reason::Reason;
use operator::words::camel_case;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What stands between backticks.
fn coded(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// A person who sees a reason in `kubectl get` finds it in the page, with what to do.
#[test]
fn every_reason_of_a_condition_is_explained() {
    let page = read(&root().join("docs/troubleshooting.md"));
    let explained: BTreeSet<&str> = page
        .lines()
        .filter_map(|line| line.strip_prefix('|')?.split('|').next())
        .flat_map(coded)
        .collect();
    let own = Reason::ALL.iter().map(|&reason| reason.to_owned());
    let of_the_exporter = source::Reason::ALL.map(|reason| camel_case(reason.as_str()));
    let missing: Vec<String> = own
        .chain(of_the_exporter)
        .filter(|reason| reason != Reason::Ready.as_str())
        .filter(|reason| !explained.contains(reason.as_str()))
        .collect();
    assert!(
        missing.is_empty(),
        "in docs/troubleshooting.md these reasons have no row: {missing:?}"
    );
}

/// Links inside the repository: to files that are there, and to headings that are there.
#[test]
fn every_link_leads_somewhere() {
    let mut pages: Vec<PathBuf> = [
        "",
        "docs",
        "docs/adr",
        "docs/runbooks",
        "charts/feature-monitor",
    ]
    .iter()
    .flat_map(|folder| std::fs::read_dir(root().join(folder)).unwrap())
    .map(|entry| entry.unwrap().path())
    .filter(|path| path.extension().is_some_and(|end| end == "md"))
    .collect();
    pages.sort();
    let mut dead = Vec::new();
    let mut links = 0;
    for page in &pages {
        let text = read(page);
        for link in text.split("](").skip(1) {
            let link = link.split(')').next().unwrap_or_default();
            if link.contains("://") {
                continue;
            }
            links += 1;
            let (file, heading) = link.split_once('#').unwrap_or((link, ""));
            let target = match file {
                "" => page.clone(),
                file => page.parent().unwrap().join(file),
            };
            let there = target.exists()
                && (heading.is_empty() || headings(&read(&target)).contains(heading));
            if !there {
                dead.push(format!("{}: {link}", page.display()));
            }
        }
    }
    assert!(links > 20, "only {links} links found in {pages:?}");
    assert!(dead.is_empty(), "{dead:#?}");
}

/// The anchors of the headings, as GitHub makes them.
fn headings(page: &str) -> BTreeSet<String> {
    page.lines()
        .filter(|line| line.starts_with('#'))
        .map(|line| {
            line.trim_start_matches('#')
                .trim()
                .to_lowercase()
                .chars()
                .filter(|letter| letter.is_alphanumeric() || matches!(letter, ' ' | '-' | '_'))
                .map(|letter| if letter == ' ' { '-' } else { letter })
                .collect()
        })
        .collect()
}
