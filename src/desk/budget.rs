//! How many automatic mails may leave. Headers stop most loops; what they miss is stopped by
//! counting, since two robots that answer each other look like two people.
//!
//! A budget withholds answers, never intake: each mail has its ticket and its clock all the same.

use jiff::SignedDuration;

/// The most automatic mails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Acknowledgements of one ticket.
    pub per_ticket: u32,
    /// Mails to one address within an hour.
    pub per_address_and_hour: u32,
    /// Mails to one address within a day.
    pub per_address_and_day: u32,
    /// Mails to all addresses of one domain within an hour.
    pub per_domain_and_hour: u32,
    /// Mails in all within an hour.
    pub in_all_and_hour: u32,
    /// Alerts to engineers within an hour.
    pub alerts_and_hour: u32,
    /// Similar requests of one sender within an hour, after which they are one ticket's.
    pub storm: u32,
    /// How long requests of a sender named in a contract gather, once its budget is used up, before
    /// one acknowledgement lists them all.
    pub gathering: SignedDuration,
}

impl Default for Budget {
    /// What other help desks came to: 1 for a ticket, 5 for an address and hour, 40 for a day (OTRS'
    /// loop limit).
    fn default() -> Budget {
        Budget {
            per_ticket: 1,
            per_address_and_hour: 5,
            per_address_and_day: 40,
            per_domain_and_hour: 60,
            in_all_and_hour: 1_000,
            alerts_and_hour: 30,
            storm: 10,
            gathering: SignedDuration::from_mins(30),
        }
    }
}

/// What has left lately.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sent {
    /// Acknowledgements of the ticket.
    pub of_ticket: u32,
    /// Automatic mails to the address in the last hour.
    pub to_address_this_hour: u32,
    /// Automatic mails to the address in the last day.
    pub to_address_this_day: u32,
    /// Automatic mails to the domain in the last hour.
    pub to_domain_this_hour: u32,
    /// Automatic mails in all in the last hour.
    pub in_all_this_hour: u32,
    /// Alerts in the last hour.
    pub alerts_this_hour: u32,
}

impl Budget {
    /// The id of the budget that is used up, where one is.
    pub fn used_up(&self, sent: &Sent) -> Option<&'static str> {
        let counts = [
            (sent.of_ticket, self.per_ticket, "budget-of-the-ticket"),
            (sent.to_address_this_hour, self.per_address_and_hour, "budget-of-the-address-and-hour"),
            (sent.to_address_this_day, self.per_address_and_day, "budget-of-the-address-and-day"),
            (sent.to_domain_this_hour, self.per_domain_and_hour, "budget-of-the-domain-and-hour"),
            (sent.in_all_this_hour, self.in_all_and_hour, "budget-of-the-hour"),
        ];
        counts.into_iter().find(|(sent, most, _)| sent >= most).map(|(_, _, id)| id)
    }

    /// Whether one more alert may leave.
    pub fn allows_alert(&self, sent: &Sent) -> bool {
        sent.alerts_this_hour < self.alerts_and_hour
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_budget_is_used_up_by_its_own_count() {
        let budget = Budget::default();
        let check = |change: fn(&mut Sent), expected: Option<&str>| {
            let mut sent = Sent::default();
            change(&mut sent);
            assert_eq!(budget.used_up(&sent), expected, "{sent:?}");
        };
        check(|_| {}, None);
        check(|sent| sent.of_ticket = 1, Some("budget-of-the-ticket"));
        check(|sent| sent.to_address_this_hour = 4, None);
        check(|sent| sent.to_address_this_hour = 5, Some("budget-of-the-address-and-hour"));
        check(|sent| sent.to_address_this_day = 39, None);
        check(|sent| sent.to_address_this_day = 40, Some("budget-of-the-address-and-day"));
        check(|sent| sent.to_domain_this_hour = 60, Some("budget-of-the-domain-and-hour"));
        check(|sent| sent.in_all_this_hour = 1_000, Some("budget-of-the-hour"));
        check(|sent| sent.alerts_this_hour = 1_000, None);
        assert!(budget.allows_alert(&Sent { alerts_this_hour: 29, ..Sent::default() }));
        assert!(!budget.allows_alert(&Sent { alerts_this_hour: 30, ..Sent::default() }));
    }
}
