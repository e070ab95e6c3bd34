//! The waits between attempts, by themselves.

use core::time::Duration;

use highwater_core::{Backoff as Core, Profile};
use wasm_bindgen::prelude::*;

use crate::settings;

/// Counts failures and turns them into waits, in milliseconds.
#[wasm_bindgen]
pub struct Backoff(Core);

#[wasm_bindgen]
impl Backoff {
    /// A back-off without failures; see `settings.rs` for the numbers.
    #[wasm_bindgen(constructor)]
    pub fn new(numbers: &[f64]) -> Self {
        let mut profile = Profile::STANDARD;
        settings::profile(&mut profile, &|at| numbers.get(at).copied().unwrap_or(f64::NAN), 0);
        Self(Core::new(profile))
    }

    /// Counts a failure and returns the wait that follows; `chance` is from 0 to 1.
    pub fn fail(&mut self, chance: f64) -> f64 {
        self.0.fail((chance * f64::from(u32::MAX)) as u32).as_millis() as f64
    }

    /// The wait after the present number of failures, without chance.
    pub fn base(&self) -> f64 {
        self.0.base().as_millis() as f64
    }

    /// How many failures count at present.
    pub fn failures(&self) -> u32 {
        self.0.failures()
    }

    /// The server asked for this first wait.
    #[wasm_bindgen(js_name = setFactor)]
    pub fn set_factor(&mut self, millis: f64) {
        self.0.set_factor(Duration::from_millis(millis as u64));
    }
}
