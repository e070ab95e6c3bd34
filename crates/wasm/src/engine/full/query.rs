//! Live queries: the rows that are wanted, and what becomes different in their list.

use alloc::boxed::Box;

use highwater_core::{LiveQuery, Query};

use crate::engine::input::Input;
use crate::engine::output::Output;
use crate::engine::{Machine, NONE, export, fault, write_numbers};

export! {
    /// Makes a live query of a session's state, out of the JSON in the input. Nothing if it is
    /// not written as a query is: the text then says how, and the number is the text's length.
    fn query_new(session: &Machine, size: usize) -> Option<Box<LiveQuery>> {
        let query = Query::parse(Input::take().bytes(size));
        match query {
            Ok(query) => Some(Box::new(LiveQuery::new(query, session.state()))),
            Err(error) => {
                let length = Output::write(&mut |out| fault::write(out, Some(&error)));
                write_numbers(&mut |numbers| numbers.push(length));
                None
            }
        }
    }

    fn query_free(live: Box<LiveQuery>) {
        drop(live);
    }

    /// Follows the state after the session's last input. The numbers are what became different:
    /// whether rows came or went, shown or not; how many rows are removed, inserted and updated;
    /// the places of the removed; place, slot and earlier place (or [`NONE`]) of the inserted; the
    /// places of the updated.
    fn query_update(live: &mut LiveQuery, session: &Machine) -> u32 {
        live.update(session.state(), session.materializer().changes());
        edits(live)
    }

    /// Lists another part of the rows; the answer is as that of `query_update`.
    fn query_show(live: &mut LiveQuery, offset: u32, limit: u32) -> u32 {
        live.show(offset, limit);
        edits(live)
    }

    /// The slots of the rows that are listed: the numbers, and how many there are.
    fn query_rows(live: &LiveQuery) -> u32 {
        write_numbers(&mut |numbers| numbers.extend(live.rows().map(|slot| slot.index() as u32)))
    }

    /// How many rows there are, listed or not.
    fn query_count(live: &LiveQuery) -> u32 {
        live.count() as u32
    }

    /// The groups: `[slot of the first row, its place, how many rows, value, …]`; a value as JSON
    /// text, or none where it is missing, or is the key or the kind.
    fn query_groups(live: &LiveQuery, session: &Machine) -> u32 {
        Output::write(&mut |out| {
            for group in live.groups() {
                out.number(group.slot.index() as u64);
                out.number(group.start.into());
                out.number(group.count.into());
                let item = session.state().item(group.slot);
                match item.and_then(|item| live.query().group_value(&item)) {
                    Some(value) => out.bytes(value),
                    None => out.none(),
                }
            }
        })
    }
}

fn edits(live: &LiveQuery) -> u32 {
    let edits = live.edits();
    write_numbers(&mut |numbers| {
        let counts = [edits.removed.len(), edits.inserted.len(), edits.updated.len()];
        numbers.push(edits.recounted.into());
        numbers.extend(counts.map(|count| count as u32));
        numbers.extend(&edits.removed);
        for row in &edits.inserted {
            numbers.extend([row.at, row.slot.index() as u32, row.from.unwrap_or(NONE)]);
        }
        numbers.extend(&edits.updated);
    })
}
