//! Where panels are: computed of their sizes, never written by hand.

use crate::grafana::panel::{GridPos, Kind, Panel};

/// Columns of the grid.
pub const COLUMNS: u16 = 24;

/// A part of a board: what it answers, and the lines of panels that answer it.
#[derive(Clone, Debug)]
pub struct Section {
    /// The question.
    pub question: &'static str,
    /// From top to bottom.
    pub lines: Vec<Line>,
}

/// Panels beside each other.
#[derive(Clone, Debug)]
pub struct Line {
    /// Their height, in units of the grid.
    pub height: u16,
    /// Their widths, in columns, and the panels.
    pub panels: Vec<(u16, Panel)>,
}

impl Section {
    /// A part of a board.
    pub fn new(question: &'static str, lines: Vec<Line>) -> Self {
        Self { question, lines }
    }
}

impl Line {
    /// Panels beside each other, with their widths.
    pub fn new(height: u16, panels: Vec<(u16, Panel)>) -> Self {
        Self { height, panels }
    }

    /// As many panels as there are, all as wide.
    pub fn even(height: u16, panels: Vec<Panel>) -> Self {
        let width = COLUMNS / u16::try_from(panels.len()).unwrap_or(COLUMNS).max(1);
        Self::new(
            height,
            panels.into_iter().map(|panel| (width, panel)).collect(),
        )
    }
}

/// The headings and panels of all sections, numbered and placed.
pub fn placed(sections: Vec<Section>) -> Vec<Panel> {
    let mut placed = Vec::new();
    let mut y = 0;
    let mut put = |mut panel: Panel, grid_pos: GridPos| {
        panel.id = u32::try_from(placed.len() + 1).unwrap_or(u32::MAX);
        panel.grid_pos = grid_pos;
        placed.push(panel);
    };
    for section in sections {
        put(
            heading(section.question),
            GridPos {
                x: 0,
                y,
                w: COLUMNS,
                h: 1,
            },
        );
        y += 1;
        for line in section.lines {
            let mut x = 0;
            for (w, panel) in line.panels {
                put(
                    panel,
                    GridPos {
                        x,
                        y,
                        w,
                        h: line.height,
                    },
                );
                x += w;
            }
            y += line.height;
        }
    }
    placed
}

fn heading(question: &str) -> Panel {
    Panel {
        title: question.to_owned(),
        collapsed: Some(false),
        panels: Some(Vec::new()),
        ..Panel::new(Kind::Row)
    }
}
