//! Files that another process reads while a test changes them.

use std::path::Path;

/// Writes a file. It is renamed into place, so that half of it is never read.
pub(crate) fn write(path: &Path, text: &str) {
    let new = path.with_extension("new");
    std::fs::write(&new, text).expect("the folder can be written");
    std::fs::rename(&new, path).expect("it can be renamed");
}

/// Changes a part of a file, which has to be there.
pub(crate) fn edit(path: &Path, from: &str, to: &str) {
    let text = std::fs::read_to_string(path).expect("the file is there");
    assert!(text.contains(from), "no {from:?} in\n{text}");
    write(path, &text.replace(from, to));
}

/// Adds to the end of a file.
pub(crate) fn append(path: &Path, more: &str) {
    let text = std::fs::read_to_string(path).expect("the file is there");
    write(path, &(text + more));
}
