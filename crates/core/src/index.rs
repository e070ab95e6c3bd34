//! From a hash to the slots that may be meant: an open-addressing table in shards.
//!
//! Each shard grows by itself, out of hashes that it keeps: no insertion takes longer than some
//! microseconds, however many there were before. (One table of 100,000 takes the better part of a
//! millisecond to grow.)

use alloc::vec;
use alloc::vec::Vec;
use core::mem;

#[derive(Default)]
pub(crate) struct Index {
    /// As many as [`SHARDS`] says, or none as long as there is nothing.
    shards: Vec<Shard>,
}

/// Cells in order of their hashes' low bits, each as near behind its place as there was room.
#[derive(Default)]
struct Shard {
    /// A power of two of them, never full; or none.
    cells: Vec<Cell>,
    used: usize,
}

#[derive(Clone, Copy)]
struct Cell {
    hash: u32,
    slot: u32,
}

const EMPTY: Cell = Cell { hash: 0, slot: u32::MAX };

impl Index {
    /// The slot with this hash for which `same` is true.
    #[inline]
    pub(crate) fn find(&self, hash: u32, same: impl Fn(u32) -> bool) -> Option<u32> {
        let cells = &self.shards.get(shard(hash))?.cells;
        let mut at = hash as usize;
        loop {
            let cell = cells.get(at & cells.len().wrapping_sub(1))?;
            if cell.slot == EMPTY.slot {
                return None;
            }
            if cell.hash == hash && same(cell.slot) {
                return Some(cell.slot);
            }
            at += 1;
        }
    }

    /// Reads where a hash would be found, so that the processor has it at hand.
    #[inline]
    pub(crate) fn touch(&self, hash: u32) -> u32 {
        let cells = self.shards.get(shard(hash)).map_or(&[][..], |shard| &shard.cells);
        cells.get(hash as usize & cells.len().wrapping_sub(1)).map_or(0, |cell| cell.hash)
    }

    /// Adds a slot that is not there.
    pub(crate) fn insert(&mut self, hash: u32, slot: u32) {
        while self.shards.len() < SHARDS {
            self.shards.push(Shard::default());
        }
        let Some(shard) = self.shards.get_mut(shard(hash)) else {
            return;
        };
        if (shard.used + 1) * 8 > shard.cells.len() * 7 {
            let size = (shard.cells.len() * 2).max(8);
            let old = mem::replace(&mut shard.cells, vec![EMPTY; size]);
            for cell in old {
                if cell.slot != EMPTY.slot {
                    place(&mut shard.cells, cell);
                }
            }
        }
        shard.used += 1;
        place(&mut shard.cells, Cell { hash, slot });
    }

    /// Takes a slot out.
    pub(crate) fn remove(&mut self, hash: u32, slot: u32) {
        let Some(shard) = self.shards.get_mut(shard(hash)) else {
            return;
        };
        let cells = &mut shard.cells[..];
        let mask = cells.len().wrapping_sub(1);
        let mut gap = hash as usize;
        loop {
            match cells.get(gap & mask) {
                None => return,
                Some(cell) if cell.slot == slot => break,
                Some(cell) if cell.slot == EMPTY.slot => return,
                Some(_) => gap += 1,
            }
        }
        // What follows moves up, as far as its own place lets it.
        let mut at = gap;
        loop {
            at += 1;
            let Some(&cell) = cells.get(at & mask) else { break };
            if cell.slot == EMPTY.slot {
                break;
            }
            let home = cell.hash as usize;
            if at.wrapping_sub(home) & mask >= at.wrapping_sub(gap) & mask {
                cells[gap & mask] = cell;
                gap = at;
            }
        }
        cells[gap & mask] = EMPTY;
        shard.used -= 1;
    }
}

fn place(cells: &mut [Cell], cell: Cell) {
    let mask = cells.len() - 1;
    let mut at = cell.hash as usize;
    while let Some(found) = cells.get_mut(at & mask) {
        if found.slot == EMPTY.slot {
            *found = cell;
            return;
        }
        at += 1;
    }
}

const fn shard(hash: u32) -> usize {
    (hash >> 28) as usize
}

const SHARDS: usize = 16;

/// A hash of 32 good bits. (The multiplicative one of rustc and Firefox, its upper half.)
#[cfg_attr(feature = "full", inline)]
#[cfg_attr(not(feature = "full"), inline(never))]
pub(crate) fn hash(seed: u32, bytes: &[u8]) -> u32 {
    const K: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut hash = (u64::from(seed) ^ bytes.len() as u64).wrapping_mul(K);
    let (words, rest) = bytes.as_chunks::<8>();
    for word in words {
        hash = (hash.rotate_left(23) ^ u64::from_le_bytes(*word)).wrapping_mul(K);
    }
    let rest = rest.iter().fold(0, |word, &byte| word << 8 | u64::from(byte));
    hash = (hash.rotate_left(23) ^ rest).wrapping_mul(K);
    ((hash ^ hash >> 29).wrapping_mul(K) >> 32) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeSet;

    #[test]
    fn it_holds_what_a_plain_set_holds() {
        let (mut index, mut plain) = (Index::default(), BTreeSet::new());
        let mut random = 1u64;
        for _ in 0..200_000 {
            random = random.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
            let slot = (random >> 40) as u32 % 3000;
            // Some share a hash, some only a place.
            let hash = hash(0, &(slot / 3).to_le_bytes()) & 0xf000_03ff;
            let there = index.find(hash, |other| other == slot);
            assert_eq!(there.is_some(), plain.contains(&slot));
            if there.is_some() {
                index.remove(hash, slot);
                plain.remove(&slot);
            } else {
                index.insert(hash, slot);
                plain.insert(slot);
            }
        }
        index.remove(7, 999_999);
        let used: usize = index.shards.iter().map(|shard| shard.used).sum();
        assert_eq!(used, plain.len());
    }

    #[test]
    fn keys_that_are_alike_have_hashes_that_are_not() {
        let mut places = vec![0; 1024];
        for number in 0..10_240u32 {
            let key = alloc::format!("item-{number}");
            places[hash(1, key.as_bytes()) as usize % 1024] += 1;
        }
        assert!(places.iter().all(|&count| count < 40), "{:?}", places.iter().max());
        let shards: BTreeSet<_> = (0..200u32).map(|n| shard(hash(n, b"a"))).collect();
        assert_eq!(shards.len(), SHARDS);
    }
}
