//! The source that the vectors were recorded with: a fixed list of events, each at its time.

use std::sync::Arc;

use highwater_eventstreams::{Answer, Error, Event, Instruction, Run, Runtime};
use serde_json::{Value, json};
use tokio::time::sleep_until;

use super::model::Scene;

#[derive(Debug)]
pub(super) struct Source(pub(super) Arc<Scene>);

/// A run that is told of when it ends, however it does.
struct Told<'a> {
    scene: &'a Scene,
    run: usize,
    value: &'static str,
}

impl Told<'_> {
    fn tell(&self, mut entry: Value) {
        entry["run"] = self.run.into();
        self.scene.add("source", entry);
    }
}

impl Drop for Told<'_> {
    fn drop(&mut self) {
        self.tell(json!({ "atMs": self.scene.now(), "event": "return", "value": self.value }));
    }
}

impl Runtime for Source {
    fn run(&self, run: Run) -> Answer<'_, ()> {
        Box::pin(async move {
            let mut told = Told { scene: &self.0, run: self.0.next_run(), value: "cancelled" };
            let entry = json!({
                "atMs": self.0.now(), "event": "start", "checkpoint": &*run.position,
            });
            told.tell(entry);
            let ended = run.cancel.run_until_cancelled(self.deliver(&run, &mut told)).await;
            match ended {
                None | Some(Ok(Instruction::Exit)) => Ok(()),
                Some(Ok(Instruction::Continue)) => {
                    run.cancel.cancelled().await;
                    Ok(())
                }
                Some(Err(fault)) if fault == "nil" => Ok(()),
                Some(Err(_)) => Err(Error::Dispatch("the source failed".into())),
            }
        })
    }
}

impl Source {
    /// Hands over the list; at its end, or at a fault, comes back.
    async fn deliver(&self, run: &Run, told: &mut Told<'_>) -> Result<Instruction, String> {
        let events = self.0.given["events"].as_array().map(Vec::as_slice).unwrap_or_default();
        let chunk = self.0.given["sourceChunk"].as_u64().unwrap_or(1);
        let seen = |event: &&Value| {
            event["seq"]
                .as_str()
                .is_some_and(|seq| !run.position.is_empty() && *seq <= *run.position)
        };
        let mut rest = &events[events.iter().take_while(seen).count()..];
        let faults = self.0.given["sourceFaults"].as_array().into_iter().flatten();
        let fault = faults.into_iter().find(|fault| fault["run"] == told.run);
        let mut left = fault.and_then(|fault| fault["afterEvents"].as_u64());
        loop {
            if let (Some(0), Some(fault)) = (left, fault) {
                let after = self.0.now() + fault["afterMs"].as_u64().unwrap_or(0);
                sleep_until(self.0.until(after)).await;
                let members = fault.as_object().into_iter().flat_map(|fault| fault.values());
                let nil = members.into_iter().any(|value| value == "nil");
                told.value = if nil { "nil" } else { "error" };
                return Err(told.value.into());
            }
            let Some(first) = rest.first() else { return Ok(Instruction::Continue) };
            sleep_until(self.0.until(first["atMs"].as_u64().unwrap_or(0))).await;
            let most = usize::try_from(chunk.min(left.unwrap_or(chunk))).unwrap_or(1);
            let due = |event: &&Value| event["atMs"].as_u64().unwrap_or(0) <= self.0.now();
            let count = rest.iter().take(most).take_while(due).count();
            let (now, later) = rest.split_at(count);
            rest = later;
            left = left.map(|left| left.saturating_sub(count as u64));
            if self.hand_over(run, told, now).await == Instruction::Exit {
                told.value = "exit";
                return Ok(Instruction::Exit);
            }
        }
    }

    async fn hand_over(&self, run: &Run, told: &Told<'_>, events: &[Value]) -> Instruction {
        let offered = self.0.now();
        let event =
            |event: &Value| Event::new(event["topic"].as_str()?, event["seq"].as_str()?, "{}").ok();
        // One that is absent is none.
        let instruction = run.deliver.deliver(events.iter().filter_map(event).collect()).await;
        told.tell(json!({
            "atMs": self.0.now(), "event": "deliver", "offeredAtMs": offered, "count": events.len(),
            "instruction": if instruction == Instruction::Exit { "exit" } else { "continue" },
        }));
        instruction
    }
}
