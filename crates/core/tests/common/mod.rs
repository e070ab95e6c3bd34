//! Seeded randomness for property tests.
#![allow(dead_code, reason = "no test file needs all of it")]

/// splitmix64.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    /// True once in so many times.
    pub(crate) fn one_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    pub(crate) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }

    /// A JSON text, nested so deep at most.
    pub(crate) fn json(&mut self, depth: usize) -> String {
        let texts =
            ["", "a", "é", "\\n", "\\u00e9", "\\ud83d\\ude00", "}", "{\\\"", "]", ",", "\\\\"];
        match self.below(if depth == 0 { 5 } else { 7 }) {
            0 => "null".into(),
            1 => ["true", "false"][self.below(2)].into(),
            2 => format!("{}", self.next().cast_signed()),
            3 => ["0", "-0.5", "1e9", "2E-3", "-1.5e+7"][self.below(5)].into(),
            4 => format!("\"{}{}\"", self.pick(&texts), self.pick(&texts)),
            5 => {
                let items: Vec<_> = (0..self.below(4)).map(|_| self.json(depth - 1)).collect();
                format!("[{}]", items.join(","))
            }
            _ => {
                let members: Vec<_> = (0..self.below(4))
                    .map(|at| format!("\"{}{at}\":{}", self.pick(&texts), self.json(depth - 1)))
                    .collect();
                format!("{{{}}}", members.join(","))
            }
        }
    }

    /// Another text, near this one.
    pub(crate) fn spoil(&mut self, text: &[u8], with: &[u8]) -> Vec<u8> {
        let mut text = text.to_vec();
        for _ in 0..=self.below(3) {
            let at = self.below(text.len() + 1);
            let byte = *self.pick(with);
            match self.below(3) {
                0 if at < text.len() => drop(text.remove(at)),
                1 if at < text.len() => text[at] = byte,
                _ => text.insert(at, byte),
            }
        }
        text
    }
}
