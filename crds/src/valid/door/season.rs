//! A seasonal baseline: its clock, its calendar, and whether the windows fit.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use super::Door;
use crate::duration;
use crate::seasonal::{self, SeasonalBaseline};
use crate::valid::{CalendarClass, MAX_CYCLES, MAX_SEASONAL_WINDOWS, MIN_CYCLES, Season, Window};
use crate::violation::quote;

const PATH: &str = "spec.baseline.seasonal";

impl Door {
    pub(super) fn season(
        &mut self,
        spec: &SeasonalBaseline,
        window: Option<&Window>,
    ) -> Option<Season> {
        let zone = spec.time_zone.clone().unwrap_or_else(|| "UTC".to_owned());
        let known = jiff::tz::TimeZone::get(&zone).is_ok();
        if !known {
            let found = format!("there is no time zone {}", quote(&zone));
            let write = "write an IANA name such as Europe/Zurich, or remove it for UTC";
            self.refuse(&format!("{PATH}.timeZone"), found, write);
        }
        let calendar = self.calendar(spec.calendar.as_deref().unwrap_or_default());
        let season = Season {
            period: spec.period,
            cycles: u32::try_from(spec.cycles)
                .unwrap_or(0)
                .clamp(MIN_CYCLES, MAX_CYCLES),
            zone,
            calendar: calendar?,
        };
        let most = season.most_windows();
        let bounded = most <= MAX_SEASONAL_WINDOWS;
        if !bounded {
            let found = format!("the baseline would keep {most} windows");
            let each = most / season.cycles;
            let write = format!(
                "write at most {}, so that there are at most {MAX_SEASONAL_WINDOWS}",
                MAX_SEASONAL_WINDOWS / each
            );
            self.refuse(&format!("{PATH}.cycles"), found, write);
        }
        let length = spec.period.window();
        let fits = window?.length == length;
        if !fits {
            let found = format!(
                "phases are {}, and windows are {} long",
                match spec.period.windows_a_day() {
                    1 => "days",
                    _ => "hours",
                },
                duration::display(window?.length)
            );
            let write = format!(
                "write another period, or a data.window.length of {}",
                duration::display(length)
            );
            self.refuse(&format!("{PATH}.period"), found, write);
        }
        (known && bounded && fits).then_some(season)
    }

    fn calendar(&mut self, spec: &[seasonal::CalendarClass]) -> Option<Vec<CalendarClass>> {
        let mut known: BTreeMap<Date, &str> = BTreeMap::new();
        let mut classes = Vec::new();
        let mut complete = true;
        for (i, class) in spec.iter().enumerate() {
            let mut days = BTreeSet::new();
            for (j, text) in class.days.iter().enumerate() {
                let path = format!("{PATH}.calendar[{i}].days[{j}]");
                let parsed: Result<Date, _> = text.parse();
                let parsed = parsed.map_err(|_| "write a day such as 2026-12-25".to_owned());
                let Some(day) = self.take(&path, text, parsed) else {
                    complete = false;
                    continue;
                };
                if let Some(other) = known.insert(day, &class.name)
                    && other != class.name
                {
                    let found = format!("{day} is a day of {} too", quote(other));
                    self.refuse(&path, found, "remove it from one of the two");
                    complete = false;
                }
                days.insert(day);
            }
            classes.push(CalendarClass {
                name: class.name.clone(),
                days,
            });
        }
        complete.then_some(classes)
    }
}
