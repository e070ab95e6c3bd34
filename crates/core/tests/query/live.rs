//! A live query is, at every moment, the query asked anew; and its edits lead from one to the next.

use highwater_core::{LiveQuery, Materializer, Query, Slot, State};
use serde_json::{Value, json};

use crate::common::Random;
use crate::model::model;
use crate::world::{input, stream};

/// What an application keeps: slots, and the epochs of the values that it has seen.
struct Mirror(Vec<(Slot, u32)>);

impl Mirror {
    /// Follows the edits, and holds them to what they promise.
    fn follow(&mut self, live: &LiveQuery, state: &State) {
        let edits = live.edits();
        let epoch = |slot: Slot| state.epochs()[slot.index()];
        let mut slots: Vec<_> = self.0.iter().map(|row| row.0).collect();
        let before = slots.clone();
        edits.apply(&mut slots);
        assert!(edits.removed.is_sorted_by(|a, b| a < b));
        assert!(edits.inserted.is_sorted_by(|a, b| a.at < b.at));
        for row in &edits.inserted {
            assert_eq!(slots[row.at as usize], row.slot);
            let was = before.iter().position(|&slot| slot == row.slot);
            assert_eq!(row.from, was.map(|at| at as u32));
            assert!(row.from.is_none_or(|from| edits.removed.contains(&from)));
            // Only what changed moves.
            assert!(was.is_none_or(|at| self.0[at].1 != epoch(row.slot)));
        }
        let mut mirror = Vec::new();
        for (at, &slot) in slots.iter().enumerate() {
            let known = self.0.iter().find(|row| row.0 == slot).map(|row| row.1);
            let told = edits.updated.contains(&(at as u32));
            let inserted = edits.inserted.iter().any(|row| row.at as usize == at);
            assert!(!(told && inserted));
            assert!(!told || known.is_some_and(|known| known != epoch(slot)));
            mirror.push((slot, if told || inserted { epoch(slot) } else { known.unwrap() }));
        }
        self.0 = mirror;
        assert!(self.0.iter().all(|&(slot, known)| known == epoch(slot)), "a change was not told");
    }
}

#[test]
fn a_live_query_is_the_query_asked_anew() {
    let mut random = Random(11);
    let (mut moves, mut updates, mut grouped, mut windows) = (0, 0, 0, 0);
    for world in 0..120 {
        let mut store = stream();
        input(&mut store, &mut random);
        let mut queries = Vec::new();
        for step in 0..40 {
            if step % 8 == 0 {
                let spec = random.spec();
                let query = Query::parse(spec.to_string().as_bytes()).unwrap();
                let live = LiveQuery::new(query, store.state());
                let rows = live.rows().map(|slot| (slot, store.state().epochs()[slot.index()]));
                let mirror = Mirror(rows.collect());
                queries.push((spec, live, mirror));
            }
            input(&mut store, &mut random);
            for (spec, live, mirror) in &mut queries {
                let before = (live.count(), live.groups().map(|group| group.count).sum::<u32>());
                live.update(store.state(), store.changes());
                let recounted = live.edits().recounted;
                assert!(recounted || before.0 == live.count());
                moves += live.edits().inserted.iter().filter(|row| row.from.is_some()).count();
                updates += live.edits().updated.len();
                mirror.follow(live, store.state());
                check(spec, live, mirror, &store, world);
                grouped += live.groups().count();
                if random.one_in(10) {
                    let (offset, limit) = (random.below(20), random.below(20));
                    spec["offset"] = json!(offset);
                    spec["limit"] = json!(limit);
                    live.show(offset as u32, limit as u32);
                    mirror.follow(live, store.state());
                    check(spec, live, mirror, &store, world);
                    windows += live.len();
                }
            }
        }
    }
    let seen = [moves, updates, grouped, windows];
    assert!(seen.iter().all(|&count| count > 1_000), "{seen:?}");
}

fn check(spec: &Value, live: &LiveQuery, mirror: &Mirror, store: &Materializer, world: usize) {
    let (all, groups) = model(spec, store.state());
    let offset = spec.get("offset").map_or(0, |offset| offset.as_u64().unwrap() as usize);
    let limit = spec.get("limit").map_or(usize::MAX, |limit| limit.as_u64().unwrap() as usize);
    let window: Vec<_> = all.iter().copied().skip(offset).take(limit).collect();
    let rows: Vec<_> = live.rows().collect();
    assert_eq!(rows, window, "world {world}, {spec}");
    assert_eq!(mirror.0.iter().map(|row| row.0).collect::<Vec<_>>(), rows);
    assert_eq!((live.count(), live.len()), (all.len(), rows.len()));
    let mut start = 0;
    let live_groups: Vec<_> = live.groups().collect();
    assert_eq!(live_groups.len(), groups.len(), "{spec}");
    for (group, (value, count)) in live_groups.iter().zip(groups) {
        assert_eq!((group.start, group.count), (start, count), "{spec}");
        assert_eq!(group.slot, all[start as usize]);
        start += count;
        let item = store.state().item(group.slot).unwrap();
        let text = live.query().group_value(&item);
        let by = spec["group"].as_str().unwrap();
        if !by.ends_with("key") && !by.ends_with("kind") {
            assert_eq!(text.map(|text| serde_json::from_slice(text).unwrap()), value);
        }
    }
}
