//! Snapshots, and changes of which a fifth come late.

use core::fmt::Write;

use super::Tally;

/// A stream of our own server's: FDv2 in server-sent events.
#[derive(Clone, Copy, Debug)]
pub struct Stream {
    /// What it is, in a table.
    pub name: &'static str,
    items: u64,
    patches: u64,
}

/// All of them.
pub const STREAMS: &[Stream] = &[
    Stream { name: "snapshot of 10k items", items: 10_000, patches: 0 },
    Stream { name: "snapshot of 100k items", items: 100_000, patches: 0 },
    Stream { name: "10k items, 100k patches", items: 10_000, patches: 100_000 },
];

impl Stream {
    /// The bytes, the same each time, and what is there in the end.
    ///
    /// Patches come in transactions of ten. A fifth of these are late: repeats of one before.
    pub fn make(&self) -> (Vec<u8>, Tally) {
        let mut text = String::from(INTENT);
        let mut versions = vec![1; usize::try_from(self.items).expect("not that many")];
        for item in 0..self.items {
            put(&mut text, item, 1);
        }
        text +=
            "event: payload-transferred\nid: e1.1\ndata: {\"state\":\"e1.1\",\"version\":1}\n\n";

        let mut chance = Chance(1);
        let mut transactions: Vec<String> = Vec::new();
        for _ in 0..self.patches / BATCH {
            if !transactions.is_empty() && chance.below(5) == 0 {
                let reach = transactions.len().min(3_000) as u64;
                let back = usize::try_from(chance.below(reach)).expect("not that many");
                text += &transactions[transactions.len() - 1 - back];
                continue;
            }
            let mut transaction = String::new();
            for _ in 0..BATCH {
                let item = chance.below(self.items);
                let version = &mut versions[usize::try_from(item).expect("not that many")];
                *version += 1;
                put(&mut transaction, item, *version);
            }
            let index = transactions.len() as u64 + 2;
            write!(
                transaction,
                "event: payload-transferred\nid: e1.{index}\ndata: {{\"state\":\"e1.{index}\",\"version\":{index},\"basis\":\"e1.{}\"}}\n\n",
                index - 1
            )
            .expect("a string can be written to");
            text += &transaction;
            transactions.push(transaction);
        }
        let tally = Tally { items: versions.len(), versions: versions.iter().sum() };
        (text.into_bytes(), tally)
    }
}

/// 300 bytes of value, which depend on the item and its version.
fn put(text: &mut String, item: u64, version: u64) {
    let mix = (item + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ version.wrapping_mul(0x85eb_ca6b);
    write!(
        text,
        "event: put-object\ndata: {{\"kind\":\"item\",\"key\":\"item-{item}\",\"version\":{version},\"object\":\
         {{\"id\":\"item-{item}\",\"name\":\"adjustable backpack {item}\",\"sku\":\"HW-{item:07}\",\"price\":{},\"stock\":{},\
         \"active\":true,\"tags\":[\"ladder\",\"compact\"],\"supplier\":{{\"id\":\"supplier-{}\",\"country\":\"DE\",\"days\":4}},\
         \"updatedAt\":\"2026-11-{:02}T12:30:00Z\",\"note\":\"see the data sheet for the limits of this model\"}}}}\n\n",
        mix % 99_900,
        mix % 1000,
        item % 97,
        1 + mix % 28,
    )
    .expect("a string can be written to");
}

/// splitmix64
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }
}

const BATCH: u64 = 10;
const INTENT: &str = "event: server-intent\ndata: {\"payloads\":[{\"id\":\"bench\",\"target\":1,\"intentCode\":\"xfer-full\",\"reason\":\"payload-missing\"}],\"highwater\":{\"version\":1,\"resumed\":false,\"heartbeat\":15000}}\n\n";
