//! What `make generate` makes: with `docs` it prints the reference of the alerts, with `rules` those of the chart; with `boards`
//! and a folder it writes a file there for each board, and removes what else is there.

use std::path::Path;

use dashboards::{boards, docs, rules};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["docs"] => print!("{}", docs::markdown()),
        ["rules"] => print!("{}", rules::chart_yaml()?),
        ["boards", folder] => write_boards(Path::new(folder))?,
        _ => return Err("usage: generated docs | rules | boards FOLDER".into()),
    }
    Ok(())
}

fn write_boards(folder: &Path) -> Result<(), Box<dyn std::error::Error>> {
    std::fs::create_dir_all(folder)?;
    for old in std::fs::read_dir(folder)? {
        std::fs::remove_file(old?.path())?;
    }
    for board in boards::all() {
        std::fs::write(folder.join(format!("{}.json", board.uid)), board.json()?)?;
    }
    Ok(())
}
