//! The lines of a list, whatever file they come from: the head names the columns, every line under
//! it is a contract.

use std::borrow::Cow;
use std::collections::HashMap;

use super::{LineFault, MOST_FAULTS};
use crate::desk::contract::{self, COLUMNS, Cell, Contract};
use crate::desk::plan::Plans;

/// Takes lines and gives contracts.
pub(super) struct Lines<'e> {
    each: &'e mut dyn FnMut(Contract) -> anyhow::Result<()>,
    plans: &'e Plans,
    head: Option<Head>,
    lines_by_number: HashMap<String, u64>,
    faults: Vec<LineFault>,
    unlisted: usize,
}

/// The columns by their places.
struct Head {
    names: Vec<&'static str>,
}

impl<'e> Lines<'e> {
    pub(super) fn new(each: &'e mut dyn FnMut(Contract) -> anyhow::Result<()>, plans: &'e Plans) -> Lines<'e> {
        Lines { each, plans, head: None, lines_by_number: HashMap::new(), faults: Vec::new(), unlisted: 0 }
    }

    /// The name of the column at this place, once the head is known.
    pub(super) fn column(&self, at: usize) -> Option<&'static str> {
        self.head.as_ref()?.names.get(at).copied()
    }

    /// How many columns the head names; none where it is not known yet.
    pub(super) fn width(&self) -> usize {
        self.head.as_ref().map_or(0, |head| head.names.len())
    }

    /// Takes the next line. Empty ones are passed over, and so are empty cells to the right of the
    /// head's columns. False once there is no sense in going on.
    pub(super) fn take(&mut self, line: u64, mut cells: Vec<Cell>) -> anyhow::Result<bool> {
        while cells.len() > self.width() && cells.last().is_some_and(is_empty) {
            cells.pop();
        }
        if cells.iter().all(is_empty) {
            return Ok(true);
        }
        let Some(head) = &self.head else {
            return Ok(self.take_head(line, &cells));
        };
        if cells.len() != head.names.len() {
            let message = format!("{} values where the head names {} columns", cells.len(), head.names.len());
            self.fault(LineFault::line(line, message));
            return Ok(true);
        }
        let cell = |column: &str| match head.names.iter().position(|name| *name == column).and_then(|at| cells.get(at))
        {
            Some(Ok(text)) => Ok(Cow::Borrowed(text.as_ref())),
            Some(Err(message)) => Err(message.clone()),
            None => Ok(Cow::Borrowed("")),
        };
        match contract::contract(&cell, self.plans) {
            Ok(contract) => self.take_contract(line, contract)?,
            Err(faults) => {
                faults.into_iter().for_each(|fault| self.fault(LineFault::cell(line, fault.column, fault.message)))
            }
        }
        Ok(true)
    }

    fn take_contract(&mut self, line: u64, contract: Contract) -> anyhow::Result<()> {
        if let Some(first) = self.lines_by_number.get(&contract.number) {
            let message = format!("stands on line {first} already; keep one");
            self.fault(LineFault::cell(line, "contract", message));
            return Ok(());
        }
        self.lines_by_number.insert(contract.number.clone(), line);
        if self.faults.is_empty() { (self.each)(contract) } else { Ok(()) }
    }

    fn take_head(&mut self, line: u64, cells: &[Cell]) -> bool {
        let known = |name: &str| COLUMNS.iter().find(|column| column.eq_ignore_ascii_case(name));
        let written: Vec<&str> = cells.iter().map(|cell| cell.as_ref().map_or("", |text| text.trim())).collect();
        if written.iter().filter(|name| known(name).is_some()).count() * 2 < COLUMNS.len() {
            // Then it is a contract's line, say, and what it holds belongs into no log.
            let message = format!("does not name the columns; the file must begin with {}", COLUMNS.join(","));
            self.fault(LineFault::line(line, message));
            return false;
        }
        let mut names: Vec<&'static str> = Vec::new();
        for name in written {
            match known(name) {
                Some(column) if names.contains(column) => {
                    self.fault(LineFault::cell(line, column, "stands twice in the head; keep one"));
                }
                Some(column) => names.push(column),
                None => {
                    let message = format!("there is no such column; the columns are {}", COLUMNS.join(","));
                    let shown: String = name.chars().take(40).collect();
                    self.fault(LineFault::cell(line, &shown, message));
                }
            }
        }
        for column in COLUMNS.iter().filter(|column| !names.contains(column)) {
            self.fault(LineFault::cell(line, column, "is missing from the head"));
        }
        self.head = Some(Head { names });
        self.faults.is_empty()
    }

    /// Notes what is wrong.
    pub(super) fn fault(&mut self, fault: LineFault) {
        if self.faults.len() < MOST_FAULTS {
            self.faults.push(fault);
        } else {
            self.unlisted += 1;
        }
    }

    /// Everything that was wrong, and how much of it is not listed.
    pub(super) fn into_faults(mut self) -> (Vec<LineFault>, usize) {
        if self.head.is_none() && self.faults.is_empty() {
            self.fault(LineFault::whole(format!("the file is empty; it must begin with {}", COLUMNS.join(","))));
        }
        (self.faults, self.unlisted)
    }
}

fn is_empty(cell: &Cell) -> bool {
    cell.as_ref().is_ok_and(|text| text.trim().is_empty())
}
