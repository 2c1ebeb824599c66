//! Promises that are counted in days: business days, and the days to send a device back.

use jiff::civil::{Date, Time};
use jiff::{Timestamp, ToSpan};

use super::{Calendar, Due, MAX_EXPLAINED_DAYS};

impl Calendar {
    /// The close of the first business day after the local date of `after`.
    pub fn next_business_day_close(&self, after: Timestamp) -> Timestamp {
        let mut closes = self.days_from(after).skip(1).filter_map(|day| self.business_close(day));
        closes.next().unwrap_or(Timestamp::MAX)
    }

    /// The close of the so-many-th business day after the local date of `after`, step by step. With
    /// a cut-off, only what comes before that hour of a business day counts from its own day; all
    /// else counts from the next business day, so that what comes later is never due earlier.
    pub fn business_days_close(&self, after: Timestamp, days: u16, cut_off: Option<Time>) -> Due {
        let mut steps = vec![format!("start {}", self.moment(after))];
        let local = self.local(after).0;
        let in_time =
            cut_off.is_none_or(|cut_off| local.time() < cut_off && self.business_close(local.date()).is_some());
        if let (false, Some(cut_off)) = (in_time, cut_off) {
            let hour = cut_off.strftime("%H:%M");
            steps.push(format!("not before {hour} of a business day, so it counts from the next business day"));
        }
        let mut left = u32::from(days) + u32::from(!in_time);
        let mut at = Timestamp::MAX;
        for (number, day) in self.days_from(after).skip(1).enumerate() {
            let close = self.business_close(day);
            left = left.saturating_sub(u32::from(close.is_some()));
            if number < MAX_EXPLAINED_DAYS {
                steps.push(self.business_step(day, close.is_some()));
            }
            if let (0, Some(close)) = (left, close) {
                at = close;
                break;
            }
        }
        steps.push(format!("due {}", self.moment(at)));
        Due { at, steps }
    }

    /// By when a faulty device is to be on its way back, its waybill having been sent at `sent`: the
    /// last second of the last local day (terms of service: the 7th).
    pub fn return_due(&self, sent: Timestamp) -> Timestamp {
        let last_day = self.date(sent).saturating_add(i32::from(self.rules.return_days).days());
        self.instant(last_day.to_datetime(Time::constant(23, 59, 59, 0))).unwrap_or(Timestamp::MAX)
    }

    /// How many local days there are to send a device back.
    pub fn return_days(&self) -> u16 {
        self.rules.return_days
    }

    /// This hour of the day so many local days before the one of `at`.
    pub fn days_before(&self, at: Timestamp, days: u16, hour: Time) -> Timestamp {
        let day = self.date(at).saturating_sub(i32::from(days).days());
        self.instant(day.to_datetime(hour)).unwrap_or(Timestamp::MIN)
    }

    /// The same local time so many days later.
    pub fn days_after(&self, at: Timestamp, days: u16) -> Timestamp {
        self.local(at).0.saturating_add(i32::from(days).days()).timestamp()
    }

    fn business_close(&self, day: Date) -> Option<Timestamp> {
        self.opening_times(&self.rules.business, day).last().map(|(_, close)| close)
    }

    fn business_step(&self, day: Date, is_open: bool) -> String {
        let name = day.strftime("%a %F");
        match self.closed(&self.rules.business, day) {
            None if is_open => format!("{name} is a business day"),
            reason => format!("{name} is closed: {}", reason.unwrap_or("the change of the clock leaves no hours")),
        }
    }
}
