//! What the handles of a store and its edge share: the session, what was read of it, and who is
//! told.

use core::cell::RefCell;
use core::task::{Context, Poll, Waker};
use std::rc::Rc;

use highwater_core::Slot;
use js_sys::{Function, Object, Promise, Reflect, global};
use serde::de::DeserializeOwned;
use wasm_bindgen::prelude::*;
use web_sys::AbortSignal;

use super::changes::{Transaction, transactions};
use super::error::Error;
use super::listeners::Listeners;
use super::options::OnError;
use super::status::Status;
use super::target::{self, Target};
use super::values::{Misfit, Values, parse};
use crate::Phase;
use crate::bindings::edge::Surroundings;
use crate::bindings::session;

pub(super) struct Shared<T> {
    pub(super) session: session::Shared,
    pub(super) transactions: Rc<Listeners<Transaction>>,
    pub(super) statuses: Rc<Listeners<Status>>,
    target: Rc<Target>,
    values: RefCell<Values<T>>,
    /// What was last told.
    status: RefCell<Status>,
    /// Who waits for the first whole state.
    waiting: RefCell<Vec<Waker>>,
    on_error: Option<OnError>,
}

impl<T: 'static> Shared<T> {
    pub(super) fn new(
        session: session::Shared,
        target: Target,
        on_error: Option<OnError>,
    ) -> Rc<Self> {
        let status = Status::of(&session.borrow());
        Rc::new(Self {
            session,
            transactions: Listeners::new(),
            statuses: Listeners::new(),
            target: Rc::new(target),
            values: RefCell::new(Values::new()),
            status: RefCell::new(status),
            waiting: RefCell::default(),
            on_error,
        })
    }

    pub(super) fn poll_ready(&self, context: &Context<'_>) -> Poll<Result<(), Error>> {
        let Status { phase, synced, fault, .. } = Status::of(&self.session.borrow());
        if synced {
            return Poll::Ready(Ok(()));
        }
        if phase == Phase::Stopped {
            return Poll::Ready(Err(Error::Stopped { fault }));
        }
        let mut waiting = self.waiting.borrow_mut();
        if !waiting.iter().any(|waker| waker.will_wake(context.waker())) {
            waiting.push(context.waker().clone());
        }
        Poll::Pending
    }
}

impl<T: DeserializeOwned + 'static> Shared<T> {
    /// The value in a slot; parsed when it is first read. One that does not fit is told of, once.
    pub(super) fn value(&self, slot: Slot) -> Option<Rc<T>> {
        let session = self.session.borrow();
        let state = session.state();
        let item = state.item(slot)?;
        let known = self.values.borrow().known(state, slot);
        if let Some(known) = known {
            return known.ok();
        }
        let (value, error) = match parse(&item) {
            Ok(value) => (Some(Rc::new(value)), None),
            Err(error) => (None, Some(error)),
        };
        let old = self.values.borrow_mut().keep(state, slot, value.clone().ok_or(Misfit));
        drop(session);
        drop(old);
        if let Some(error) = error {
            self.report(&error);
        }
        value
    }

    fn report(&self, error: &Error) {
        if let Some(hear) = &self.on_error {
            hear(error);
        } else {
            console_error(&error.to_string().into());
        }
    }
}

impl<T: 'static> Surroundings for Shared<T> {
    /// Always `fetch`: it reads bytes, sends headers and knows more.
    fn event_source(&self) -> JsValue {
        JsValue::UNDEFINED
    }

    fn credentials(&self) -> bool {
        self.target.credentials()
    }

    fn renews(&self) -> bool {
        self.target.renews()
    }

    fn init(&self) -> Object {
        self.target.init().into()
    }

    fn address(&self, query: &[(&str, String)]) -> String {
        self.target.address(query)
    }

    fn headers(&self, attempt: u32, expired: bool) -> Promise {
        self.target.headers(attempt, expired)
    }

    fn fetch(&self, url: &str, init: &Object) -> Result<Promise, JsValue> {
        self.target.fetch(url, init)
    }

    fn poll(&self, signal: &AbortSignal) -> Promise {
        self.target.poll(signal)
    }

    fn words(&self, error: &JsValue) -> String {
        target::words(error)
    }

    /// Lets go of what has moved, then tells: transactions, the status, and who waits.
    fn notify(&self) {
        let session = self.session.borrow();
        let materializer = session.materializer();
        let slots = materializer.changes().iter().map(|change| change.slot);
        let old = self.values.borrow_mut().forget(session.state(), slots);
        // Naming what changed costs as much as storing it: not for nobody.
        let told =
            if self.transactions.is_empty() { Vec::new() } else { transactions(materializer) };
        let status = Status::of(&session);
        drop(session);
        drop(old);

        for transaction in &told {
            self.transactions.tell(transaction);
        }
        if status.synced || status.phase == Phase::Stopped {
            for waker in self.waiting.take() {
                waker.wake();
            }
        }
        let before = self.status.replace(status.clone());
        if before != status {
            self.statuses.tell(&status);
        }
    }

    fn broken(&self) -> Function {
        let console = Reflect::get(&global(), &"console".into()).unwrap_or_default();
        Reflect::get(&console, &"error".into()).unwrap_or_default().unchecked_into()
    }
}

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = console, js_name = error)]
    fn console_error(what: &JsValue);
}
