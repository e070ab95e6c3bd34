//! The module of the npm package: plain functions over two buffers.
//!
//! Numbers cross as arguments. Everything else goes through buffers: JavaScript writes bytes and
//! texts into the input and calls a function; what that answers with lies in the output, a list of
//! numbers or JSON text, until the next call. So a chunk of a stream crosses once, the answer is a
//! number, and who wants to know more asks for it.
//!
//! JavaScript holds every object by its address, which it got from the object's constructor and
//! gives to nothing but the object's own functions; and, while a view is being told of a
//! transaction, to none (`Thing` in js/module.ts sees to both).

#[cfg(feature = "full")]
mod fault;
#[cfg(feature = "full")]
mod full;
mod input;
#[cfg(feature = "full")]
mod output;
mod reads;
mod session;
mod single;
#[cfg(not(feature = "full"))]
mod telling;

use alloc::vec::Vec;

use highwater_core::Session;

#[cfg(feature = "full")]
use full::Hook;
use single::Single;

#[cfg(not(all(target_arch = "wasm32", not(target_feature = "atomics"))))]
compile_error!("without the feature `bindings` this crate is the module of the npm package");

/// Makes functions that JavaScript can call.
macro_rules! export {
    ($($(#[$doc:meta])* fn $name:ident($($argument:ident: $type:ty),*) $(-> $result:ty)? $body:block)*) => {
        $(
            $(#[$doc])*
            #[allow(unsafe_code, reason = "an export has its name to itself")]
            #[allow(clippy::unnecessary_box_returns, reason = "JavaScript gets the address")]
            #[unsafe(no_mangle)]
            extern "C" fn $name($($argument: $type),*) $(-> $result)? $body
        )*
    };
}
use export;

/// No view.
#[cfg(not(feature = "full"))]
type Hook = ();

/// A session, as the module has it.
type Machine = Session<Hook>;

/// What JavaScript wrote.
static INPUT: Single<Vec<u8>> = Single::new(Vec::new());
/// What it is to read.
static NUMBERS: Single<Vec<u32>> = Single::new(Vec::new());
static TEXT: Single<Vec<u8>> = Single::new(Vec::new());

export! {
    /// Makes room for so many bytes of input, and says where they are to be written.
    fn input(size: usize) -> *const u8 {
        let mut input = INPUT.take();
        if input.len() < size || input.len() > KEPT {
            input = alloc::vec![0; size];
        }
        let place = input.as_ptr();
        INPUT.set(input);
        place
    }

    /// Where the text begins that the last call answered with.
    fn text() -> *const u8 {
        let text = TEXT.take();
        let place = text.as_ptr();
        TEXT.set(text);
        place
    }

    /// Where the numbers begin that the last call answered with.
    fn numbers() -> *const u32 {
        let numbers = NUMBERS.take();
        let place = numbers.as_ptr();
        NUMBERS.set(numbers);
        place
    }
}

/// The numbers, empty, to be written and [put](put_numbers) back.
#[inline(never)]
fn take_numbers() -> Vec<u32> {
    let mut numbers = NUMBERS.take();
    numbers.clear();
    numbers
}

/// Answers with how many there are.
#[inline(never)]
fn put_numbers(numbers: Vec<u32>) -> u32 {
    let count = numbers.len() as u32;
    NUMBERS.set(numbers);
    count
}

/// The text, empty, to be written and [put](put_text) back.
#[inline(never)]
fn take_text() -> Vec<u8> {
    let mut text = TEXT.take();
    if text.capacity() > KEPT {
        text = Vec::new();
    }
    text.clear();
    text
}

/// Answers with how long it is.
#[inline(never)]
fn put_text(text: Vec<u8>) -> u32 {
    let length = text.len() as u32;
    TEXT.set(text);
    length
}

/// Writes the numbers, and answers with how many there are.
#[cfg(feature = "full")]
fn write_numbers(then: &mut dyn FnMut(&mut Vec<u32>)) -> u32 {
    let mut numbers = take_numbers();
    then(&mut numbers);
    put_numbers(numbers)
}

/// Writes the text, and answers with how long it is.
#[cfg(feature = "full")]
fn write_text(then: &mut dyn FnMut(&mut Vec<u8>)) -> u32 {
    let mut text = take_text();
    then(&mut text);
    put_text(text)
}

/// Without a message: JavaScript hears of a trap, and what it says is of no use to anybody.
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}

/// No slot; no length.
const NONE: u32 = u32::MAX;

/// A buffer larger than this is not kept.
const KEPT: usize = 1 << 20;
