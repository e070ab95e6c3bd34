//! The module of the npm package: plain functions over one buffer.
//!
//! Numbers cross as arguments. Everything else goes through the [`Port`]: JavaScript writes bytes
//! and texts into its input and calls a function; what that answers with lies in its output, a
//! list of numbers or JSON text, until the next call. So a chunk of a stream crosses once, the
//! answer is a number, and who wants to know more asks for it.
//!
//! Every object is known by a number, its handle. One that is in use (a view is being told of a
//! transaction) answers to nothing: [`BUSY`].

mod events;
mod input;
mod output;
mod parts;
mod reads;
mod session;
mod single;
mod view;

use alloc::boxed::Box;
use alloc::vec::Vec;

use highwater_core::{Backoff, MessageReceiver, Protocol, Session, SseDecoder};

use single::Single;
use view::Hook;

#[cfg(not(all(target_arch = "wasm32", not(target_feature = "atomics"))))]
compile_error!("without the feature `bindings` this crate is the module of the npm package");

/// Makes a function that JavaScript can call.
macro_rules! export {
    ($($(#[$doc:meta])* fn $name:ident($($argument:ident: $type:ty),*) $(-> $result:ty)? $body:block)*) => {
        $(
            $(#[$doc])*
            #[allow(unsafe_code, reason = "an export has its name to itself")]
            #[unsafe(no_mangle)]
            extern "C" fn $name($($argument: $type),*) $(-> $result)? $body
        )*
    };
}
use export;

/// What the two sides write to each other.
struct Port {
    input: Vec<u8>,
    numbers: Vec<u32>,
    text: Vec<u8>,
    things: Vec<Option<Thing>>,
    /// Handles that were given up.
    vacant: Vec<u32>,
}

/// What has a handle.
enum Thing {
    Session(Box<Session<Hook>>),
    Protocol(Box<Protocol>),
    Decoder(Box<SseDecoder>),
    Receiver(Box<MessageReceiver<()>>),
    Backoff(Box<Backoff>),
}

static PORT: Single<Port> = Single::new(Port {
    input: Vec::new(),
    numbers: Vec::new(),
    text: Vec::new(),
    things: Vec::new(),
    vacant: Vec::new(),
});

/// The answer of a thing that is in use.
const BUSY: u32 = u32::MAX;

export! {
    /// Makes room for so many bytes of input, and says where they are to be written.
    fn input(size: usize) -> *const u8 {
        PORT.with(|port| {
            if port.input.len() < size || port.input.len() > KEPT {
                port.input = alloc::vec![0; size];
            }
            port.input.as_ptr()
        })
    }

    /// Where the text begins that the last call answered with.
    fn text() -> *const u8 {
        PORT.with(|port| port.text.as_ptr())
    }

    /// Where the numbers begin that the last call answered with.
    fn numbers() -> *const u32 {
        PORT.with(|port| port.numbers.as_ptr())
    }

    /// Lets go of a thing.
    fn free(handle: u32) {
        if take(handle).is_some() {
            PORT.with(|port| port.vacant.push(handle));
        }
    }
}

impl Thing {
    /// Gives a handle to it.
    fn keep(self) -> u32 {
        PORT.with(|port| {
            if let Some(handle) = port.vacant.pop() {
                port.things[handle as usize] = Some(self);
                return handle;
            }
            port.things.push(Some(self));
            (port.things.len() - 1) as u32
        })
    }
}

/// Takes a thing out of its place, so that whoever comes back here meanwhile finds it in use.
fn take(handle: u32) -> Option<Thing> {
    PORT.with(|port| port.things.get_mut(handle as usize)?.take())
}

fn put_back(handle: u32, thing: Thing) {
    PORT.with(|port| {
        if let Some(place) = port.things.get_mut(handle as usize) {
            *place = Some(thing);
        }
    });
}

/// Does something with a session; nothing if it is in use.
fn with_session<R>(handle: u32, then: impl FnOnce(&mut Session<Hook>) -> R) -> Option<R> {
    let mut thing = take(handle)?;
    let result = if let Thing::Session(session) = &mut thing { Some(then(session)) } else { None };
    put_back(handle, thing);
    result
}

/// Without a message: JavaScript hears of a trap, and what it says is of no use to anybody.
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}

/// An input buffer larger than this is not kept.
const KEPT: usize = 1 << 20;
