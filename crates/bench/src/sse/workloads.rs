//! The streams that are decoded.

/// A kind of stream.
#[derive(Clone, Copy, Debug)]
pub struct Workload {
    /// What it is, in a table.
    pub name: &'static str,
    /// Whether events come out of it.
    pub events: bool,
    piece: fn(usize) -> String,
}

impl Workload {
    /// The stream, of the same bytes each time: many small events, or few large ones.
    pub fn stream(&self) -> Vec<u8> {
        let mut stream = Vec::new();
        let mut number = 100_000;
        while stream.len() < SIZE {
            stream.extend_from_slice((self.piece)(number).as_bytes());
            number += 1;
        }
        stream
    }
}

/// All of them.
pub const WORKLOADS: &[Workload] = &[
    Workload { name: "80 B", events: true, piece: |number| data_event(number, 80) },
    Workload { name: "80 B, type and id", events: true, piece: typed_event },
    Workload { name: "1 KiB", events: true, piece: |number| data_event(number, 1 << 10) },
    Workload { name: "1 KiB, CRLF", events: true, piece: crlf_event },
    Workload { name: "1 KiB of CJK", events: true, piece: cjk_event },
    Workload { name: "100 KiB", events: true, piece: |number| data_event(number, 100 << 10) },
    Workload { name: "100 KiB in 1,000 lines", events: true, piece: event_of_lines },
    Workload { name: "keepalives", events: false, piece: |_| ":\n\n".into() },
];

/// One data line of JSON; `size` counts the blank line too.
fn data_event(number: usize, size: usize) -> String {
    let head = format!("data: {{\"n\":{number},\"v\":\"");
    let filling: String = "lorem ipsum ".chars().cycle().take(size - head.len() - 4).collect();
    format!("{head}{filling}\"}}\n\n")
}

fn crlf_event(number: usize) -> String {
    data_event(number, (1 << 10) - 2).replace('\n', "\r\n")
}

/// 80 bytes too, of which the data is a third.
fn typed_event(number: usize) -> String {
    format!(
        "event: put-object\nid: e1.{number}\ndata: {{\"k\":\"{number}\",\"version\":7,\"object\":1}}\n\n"
    )
}

fn cjk_event(number: usize) -> String {
    format!("data: {{\"n\":{number},\"v\":\"{}\"}}\n\n", "高水位標記".repeat(66))
}

fn event_of_lines(number: usize) -> String {
    let line = data_event(number, 103);
    line.trim_end().repeat(1000).replace("}data", "}\ndata") + "\n\n"
}

/// Beyond the caches near a core, as a stream that never ends is.
const SIZE: usize = 8 << 20;
