//! JSON numbers as floats, without the tables of the standard library's parser (10 KB of them).

/// The float nearest to a number that is spelt as JSON spells it.
///
/// Nearest for up to 19 digits and every exponent that does not lead to the very edges of what a
/// float can hold; there, it may be the next one.
pub(super) fn parse(text: &[u8]) -> f64 {
    let (mut digits, mut exponent) = (0_u64, 0_i32);
    let mut point = false;
    let mut rest = text.iter();
    while let Some(&byte) = rest.next() {
        match byte {
            b'0'..=b'9' => {
                // Of what does not fit only the places count.
                let fits = digits < u64::MAX / 10;
                if fits {
                    digits = digits * 10 + u64::from(byte - b'0');
                }
                let places = i32::from(!fits) - i32::from(point);
                exponent = exponent.saturating_add(places);
            }
            b'.' => point = true,
            b'e' | b'E' => {
                exponent = exponent.saturating_add(written(rest.as_slice()));
                break;
            }
            _ => {}
        }
    }
    let magnitude = scale(digits, exponent);
    if text.first() == Some(&b'-') { -magnitude } else { magnitude }
}

/// An exponent as it is written, bounded.
fn written(text: &[u8]) -> i32 {
    let mut exponent = 0_i32;
    for byte in text.iter().filter(|byte| byte.is_ascii_digit()) {
        exponent = exponent.saturating_mul(10).saturating_add(i32::from(byte - b'0'));
    }
    if text.first() == Some(&b'-') { -exponent } else { exponent }
}

/// `digits · 10^exponent`, kept as a sum of two floats until the end: each step alone would round.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "what is lost is kept in the second float; none is below zero"
)]
fn scale(digits: u64, exponent: i32) -> f64 {
    let mut high = digits as f64;
    let mut low = digits.wrapping_sub(high as u64).cast_signed() as f64;
    if digits == 0 {
        return 0.0;
    }
    let mut left = exponent.clamp(-400, 400);
    while left != 0 {
        let step = left.clamp(-22, 22);
        left -= step;
        // Exact up to 10^22.
        let power = (0..step.unsigned_abs()).fold(1.0, |power, _| power * 10.0);
        if step > 0 {
            let product = high * power;
            if product.is_infinite() {
                return product;
            }
            low = low * power + lost(high, power, product);
            high = product;
        } else {
            let quotient = high / power;
            let product = quotient * power;
            low = (high - product - lost(quotient, power, product) + low) / power;
            high = quotient;
        }
        let sum = high + low;
        low -= sum - high;
        high = sum;
    }
    high
}

/// What rounding took from a product (Veltkamp, Dekker); nothing, where that overflows.
#[inline(never)] // two calls of a lot of code
fn lost(a: f64, b: f64, product: f64) -> f64 {
    let halves = |x: f64| {
        let spread = x * 134_217_729.0; // 2^27 + 1
        let high = spread - (spread - x);
        (high, x - high)
    };
    let ((a_high, a_low), (b_high, b_low)) = (halves(a), halves(b));
    let lost = ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low;
    if lost.is_finite() { lost } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::parse;
    use alloc::format;

    #[test]
    fn numbers_are_what_the_standard_parser_makes_of_them() {
        let check = |text: &str| {
            let wanted: f64 = text.parse().unwrap();
            assert_eq!(parse(text.as_bytes()).to_bits(), wanted.to_bits(), "{text}");
        };
        for text in [
            "0",
            "-0",
            "0.0e5",
            "1",
            "-1",
            "0.1",
            "0.30000000000000004",
            "1e21",
            "1E+2",
            "123456789012345678",
            "9007199254740993",
            "9223372036854775807",
            "18446744073709551615",
            "100000000000000000000000",
            "1e-5",
            "0.000001",
            "5e300",
            "1.797693134862315e308",
            "1e999",
            "-1e999999999999",
            "1e-999999999999",
            "2.2250738585072014e-308",
        ] {
            check(text);
        }
        let mut seed = 7_u64;
        for _ in 0..200_000 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963);
            let mixed = seed ^ seed >> 29;
            // What JavaScript writes: the shortest digits of a float. Of all sizes, but the edges.
            let float = f64::from_bits(mixed);
            if float.is_finite() && (1e-280..1e280).contains(&float.abs()) {
                check(&format!("{float:e}"));
            }
            let unit = f64::from((mixed >> 32) as u32) / f64::from(u32::MAX);
            check(&format!("{unit}"));
            check(&format!("{:.3}", unit * 1e6));
            check(&format!("{mixed}"));
        }
    }
}
