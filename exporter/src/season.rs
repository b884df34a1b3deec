//! The clock of a seasonal baseline: which hour or day a window is, and whether it lies on a day of the calendar.

use crds::valid::{self, BaselineKind, Period, Season};
use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use stats::seasonal::Phase;

use crate::window::Span;

/// The clock of one manifest.
#[derive(Clone, Debug)]
pub struct Clock {
    season: Season,
    zone: TimeZone,
}

/// When a window is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Number of its local day.
    pub day: i64,
    /// Its phases, from the finest to the coarsest. On a day of the calendar they are those of its class alone.
    pub phases: Vec<Phase>,
}

impl Clock {
    /// The clock of a manifest with a seasonal baseline.
    pub fn of(monitor: &valid::Monitor) -> Option<Self> {
        match &monitor.baseline.kind {
            BaselineKind::Seasonal(season) => Some(Self::new(season.clone())),
            BaselineKind::Pinned { .. } | BaselineKind::Rolling { .. } | BaselineKind::Previous => {
                None
            }
        }
    }

    /// The clock of a season.
    pub fn new(season: Season) -> Self {
        // `crds::valid` has refused a zone that there is not.
        let zone = TimeZone::get(&season.zone).unwrap_or(TimeZone::UTC);
        Self { season, zone }
    }

    /// How many windows of each phase are kept.
    pub fn cycles(&self) -> usize {
        self.season.cycles as usize
    }

    /// How many windows all cycles have.
    pub fn round(&self) -> u32 {
        self.season.cycles * self.season.round()
    }

    /// When a window is, by its middle: that an hour or a day is not cut where summer time begins does not move it to another.
    pub fn moment(&self, window: Span) -> Moment {
        let middle = window.start + window.end.duration_since(window.start) / 2;
        let local = middle.to_zoned(self.zone.clone());
        let (date, hour) = (local.date(), local.hour().unsigned_abs());
        let hourly = self.season.period.windows_a_day() > 1;
        let mut classes = self.season.calendar.iter();
        let phases = match classes.position(|class| class.days.contains(&date)) {
            Some(class) => {
                let class = u16::try_from(class).unwrap_or(u16::MAX);
                let whole = Phase::Class(class, None);
                match hourly {
                    true => vec![Phase::Class(class, Some(hour)), whole],
                    false => vec![whole],
                }
            }
            None => self.ordinary(date, hour),
        };
        Moment {
            day: i64::from(day_number(date)),
            phases,
        }
    }

    fn ordinary(&self, date: Date, hour: u8) -> Vec<Phase> {
        let weekday = date.weekday().to_monday_zero_offset().unsigned_abs();
        match self.season.period {
            Period::HourOfDay => vec![Phase::HourOfDay(hour)],
            Period::DayOfWeek => vec![Phase::DayOfWeek(weekday)],
            Period::HourOfWeek => {
                vec![
                    Phase::HourOfWeek(24 * weekday + hour),
                    Phase::HourOfDay(hour),
                ]
            }
            Period::DayOfMonth => vec![Phase::DayOfMonth(date.day().unsigned_abs())],
        }
    }

    /// A phase in words, such as `Monday 03:00`.
    pub fn words(&self, phase: Phase) -> String {
        let clock = |hour: u8| format!("{hour:02}:00");
        match phase {
            Phase::Class(class, hour) => {
                let name = self.season.calendar.get(usize::from(class));
                let name = name.map_or("a day of the calendar", |class| class.name.as_str());
                match hour {
                    Some(hour) => format!("{name} {}", clock(hour)),
                    None => name.to_owned(),
                }
            }
            Phase::HourOfWeek(hour) => format!("{} {}", weekday(hour / 24), clock(hour % 24)),
            Phase::HourOfDay(hour) => clock(hour),
            Phase::DayOfWeek(day) => weekday(day).to_owned(),
            Phase::DayOfMonth(day) => format!("day {day} of the month"),
        }
    }
}

/// Days since 1970-01-01.
fn day_number(date: Date) -> i32 {
    let days = date.duration_since(Date::constant(1970, 1, 1)).as_hours() / 24;
    i32::try_from(days).unwrap_or(i32::MAX)
}

fn weekday(monday_zero: u8) -> &'static str {
    let offset = i8::try_from(monday_zero).unwrap_or(0);
    match Weekday::from_monday_zero_offset(offset) {
        Ok(Weekday::Monday) | Err(_) => "Monday",
        Ok(Weekday::Tuesday) => "Tuesday",
        Ok(Weekday::Wednesday) => "Wednesday",
        Ok(Weekday::Thursday) => "Thursday",
        Ok(Weekday::Friday) => "Friday",
        Ok(Weekday::Saturday) => "Saturday",
        Ok(Weekday::Sunday) => "Sunday",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clock(period: Period, zone: &str, calendar: &[(&str, &[&str])]) -> Clock {
        let class = |(name, days): &(&str, &[&str])| valid::CalendarClass {
            name: (*name).to_owned(),
            days: days.iter().map(|day| day.parse().unwrap()).collect(),
        };
        Clock::new(Season {
            period,
            cycles: 4,
            zone: zone.to_owned(),
            calendar: calendar.iter().map(class).collect(),
        })
    }

    fn window(start: &str, hours: i64) -> Span {
        let start: jiff::Timestamp = start.parse().unwrap();
        Span {
            start,
            end: start + jiff::SignedDuration::from_hours(hours),
        }
    }

    #[test]
    fn hours_are_those_of_the_zone() {
        let clock = clock(Period::HourOfWeek, "Europe/Zurich", &[]);
        let of = |start| clock.moment(window(start, 1));
        // Monday, 5 January 2026, 00:00 in Zurich.
        let winter = of("2026-01-04T23:00:00Z");
        assert_eq!(winter.phases, [Phase::HourOfWeek(0), Phase::HourOfDay(0)]);
        assert_eq!(winter.day, 20_458);
        // In summer an hour of UTC is another one of the day.
        let summer = of("2026-07-06T13:00:00Z");
        assert_eq!(summer.phases, [Phase::HourOfWeek(15), Phase::HourOfDay(15)]);
        assert_eq!(clock.words(Phase::HourOfWeek(24 + 3)), "Tuesday 03:00");
    }

    /// Where summer time begins, 02:00 is missing; where it ends, 02:00 is there twice on one day.
    #[test]
    fn summer_time_begins_and_ends() {
        let clock = clock(Period::HourOfDay, "Europe/Zurich", &[]);
        let hours = |day: &str, from: i64| -> Vec<(i64, Phase)> {
            let start: jiff::Timestamp = format!("{day}T00:00:00Z").parse().unwrap();
            let moment = |hour| {
                let start = start + jiff::SignedDuration::from_hours(hour);
                let end = start + jiff::SignedDuration::from_hours(1);
                let moment = clock.moment(Span { start, end });
                (moment.day, moment.phases[0])
            };
            (from..from + 3).map(moment).collect()
        };
        let spring = hours("2026-03-29", 0);
        let day = spring[0].0;
        assert_eq!(
            spring.iter().map(|(_, phase)| *phase).collect::<Vec<_>>(),
            [1, 3, 4].map(Phase::HourOfDay)
        );
        assert!(spring.iter().all(|(other, _)| *other == day));
        let autumn = hours("2026-10-25", 0);
        assert_eq!(
            autumn.iter().map(|(_, phase)| *phase).collect::<Vec<_>>(),
            [2, 2, 3].map(Phase::HourOfDay)
        );
    }

    #[test]
    fn a_day_of_the_calendar_is_no_ordinary_one() {
        let days = [("christmas", &["2025-12-25"][..])];
        let hourly = clock(Period::HourOfDay, "UTC", &days);
        let found = hourly.moment(window("2025-12-25T07:00:00Z", 1)).phases;
        assert_eq!(found, [Phase::Class(0, Some(7)), Phase::Class(0, None)]);
        assert_eq!(hourly.words(found[0]), "christmas 07:00");
        let after = hourly.moment(window("2025-12-26T07:00:00Z", 1)).phases;
        assert_eq!(after, [Phase::HourOfDay(7)]);
        let daily = clock(Period::DayOfMonth, "UTC", &days);
        let found = daily.moment(window("2025-12-25T00:00:00Z", 24)).phases;
        assert_eq!(found, [Phase::Class(0, None)]);
        let found = daily.moment(window("2025-12-31T00:00:00Z", 24)).phases;
        assert_eq!(found, [Phase::DayOfMonth(31)]);
        assert_eq!(daily.words(found[0]), "day 31 of the month");
    }

    /// A day of 24 hours that begins at a local midnight of winter ends an hour past midnight in summer, and is the same day.
    #[test]
    fn a_day_is_told_by_its_middle() {
        let clock = clock(Period::DayOfWeek, "Europe/Zurich", &[]);
        for start in ["2026-01-05T23:00:00Z", "2026-07-06T23:00:00Z"] {
            let found = clock.moment(window(start, 24));
            assert_eq!(found.phases, [Phase::DayOfWeek(1)], "{start}");
        }
    }
}
