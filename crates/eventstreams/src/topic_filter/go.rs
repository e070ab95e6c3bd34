//! From Go's regular expressions to the `regex` crate's.

use core::fmt::Write as _;
use core::iter::Peekable;
use core::str::Chars;

/// Writes an expression of Go's (RE2 with Perl's classes) so that it means the same here.
///
/// `\d`, `\w`, `\s` and `\b` are of ASCII there, `\Q…\E` is a literal, a brace that begins no
/// repetition stands for itself, and a class has no operators. What is wrong in other ways is left
/// to the compiler to find.
pub(super) fn translate(text: &str) -> Result<String, String> {
    let mut reader =
        Reader { rest: text.chars().peekable(), out: String::with_capacity(text.len() + 8) };
    while let Some(next) = reader.rest.next() {
        match next {
            '\\' => reader.escape()?,
            '[' => reader.class()?,
            '(' => reader.group()?,
            '{' => reader.brace()?,
            '}' => reader.out.push_str(r"\}"),
            other => reader.out.push(other),
        }
    }
    Ok(reader.out)
}

struct Reader<'a> {
    rest: Peekable<Chars<'a>>,
    out: String,
}

impl Reader<'_> {
    /// After a backslash outside of a class.
    fn escape(&mut self) -> Result<(), String> {
        match self.rest.next() {
            None => Err("a backslash at the end".into()),
            Some('Q') => {
                self.quoted();
                Ok(())
            }
            Some(edge @ ('b' | 'B')) => {
                // In brackets, so that a brace after it is not taken for a part of it.
                write!(self.out, r"(?:(?-u:\{edge}))").map_err(|error| error.to_string())
            }
            Some(anchor @ ('A' | 'z')) => {
                self.out.push('\\');
                self.out.push(anchor);
                Ok(())
            }
            Some(next) => match self.escaped(next)? {
                Escaped::Class(class) => {
                    self.out.push_str(&class);
                    Ok(())
                }
                Escaped::Character(character) => {
                    self.literal(character);
                    Ok(())
                }
            },
        }
    }

    /// What an escape stands for, in a class or outside.
    fn escaped(&mut self, next: char) -> Result<Escaped, String> {
        let class = match next {
            'd' => "[0-9]",
            'D' => "[^0-9]",
            'w' => "[0-9A-Za-z_]",
            'W' => "[^0-9A-Za-z_]",
            's' => r"[\t\n\f\r ]",
            'S' => r"[^\t\n\f\r ]",
            'p' | 'P' => return self.property(next == 'P'),
            _ => return self.character(next).map(Escaped::Character),
        };
        Ok(Escaped::Class(class.into()))
    }

    fn character(&mut self, next: char) -> Result<char, String> {
        let unknown = || format!("unknown escape \\{next}");
        Ok(match next {
            'a' => '\u{7}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\u{b}',
            'x' => self.hexadecimal()?,
            '0' => self.octal(0),
            // A digit alone would point back to a group.
            '1'..='7' if self.rest.peek().is_some_and(|next| ('0'..='7').contains(next)) => {
                self.octal(next.to_digit(8).ok_or_else(unknown)?)
            }
            next if next.is_ascii_punctuation() => next,
            _ => return Err(unknown()),
        })
    }

    fn octal(&mut self, first: u32) -> char {
        let mut code = first;
        for _ in 0..2 {
            let Some(digit) = self.rest.peek().and_then(|next| next.to_digit(8)) else { break };
            code = code * 8 + digit;
            self.rest.next();
        }
        char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)
    }

    fn hexadecimal(&mut self) -> Result<char, String> {
        let digits: String = if self.rest.next_if_eq(&'{').is_some() {
            self.rest.by_ref().take_while(|&next| next != '}').collect()
        } else {
            self.rest.by_ref().take(2).collect()
        };
        let plain = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        let code = u32::from_str_radix(&digits, 16).ok().filter(|_| plain).and_then(char::from_u32);
        code.ok_or_else(|| format!("\\x{digits} is no character"))
    }

    fn property(&mut self, mut negated: bool) -> Result<Escaped, String> {
        let name: String = match self.rest.next() {
            Some('{') => self.rest.by_ref().take_while(|&next| next != '}').collect(),
            Some(letter) => letter.into(),
            None => return Err("a property without a name".into()),
        };
        let name = match name.strip_prefix('^') {
            Some(name) => {
                negated = !negated;
                name
            }
            None => &name,
        };
        Ok(Escaped::Class(format!("\\{}{{{name}}}", if negated { 'P' } else { 'p' })))
    }

    fn quoted(&mut self) {
        while let Some(next) = self.rest.next() {
            if next == '\\' && self.rest.next_if_eq(&'E').is_some() {
                return;
            }
            self.literal(next);
        }
    }

    /// After an opening bracket.
    fn class(&mut self) -> Result<(), String> {
        self.out.push('[');
        if self.rest.next_if_eq(&'^').is_some() {
            self.out.push('^');
        }
        let mut first = true;
        loop {
            let unclosed = || "a class is not closed".to_owned();
            let next = self.rest.next().ok_or_else(unclosed)?;
            if next == ']' && !first {
                self.out.push(']');
                return Ok(());
            }
            first = false;
            if next == '[' && self.rest.peek() == Some(&':') {
                self.named_class()?;
                continue;
            }
            let low = match self.member(next)? {
                Escaped::Class(class) => {
                    self.out.push_str(&class);
                    continue;
                }
                Escaped::Character(low) => low,
            };
            self.literal(low);
            let mut ahead = self.rest.clone();
            if ahead.next() == Some('-') && ahead.next().is_some_and(|next| next != ']') {
                self.rest.next();
                let next = self.rest.next().ok_or_else(unclosed)?;
                let Escaped::Character(high) = self.member(next)? else {
                    return Err("a range in a class ends with a class".into());
                };
                self.out.push('-');
                self.literal(high);
            }
        }
    }

    fn member(&mut self, next: char) -> Result<Escaped, String> {
        if next != '\\' {
            return Ok(Escaped::Character(next));
        }
        let next = self.rest.next().ok_or("a backslash at the end")?;
        self.escaped(next)
    }

    /// `[:alpha:]`, of which the bracket has been read.
    fn named_class(&mut self) -> Result<(), String> {
        let name: String = self.rest.by_ref().take_while(|&next| next != ']').collect();
        if !name.ends_with(':') || name.len() < 3 {
            return Err(format!("[{name}] is no class"));
        }
        write!(self.out, "[{name}]").map_err(|error| error.to_string())
    }

    /// After an opening parenthesis.
    fn group(&mut self) -> Result<(), String> {
        self.out.push('(');
        if self.rest.next_if_eq(&'?').is_none() {
            return Ok(());
        }
        self.out.push('?');
        while let Some(next) = self.rest.next_if(|next| !matches!(next, ':' | ')')) {
            match next {
                'i' | 'm' | 's' | 'U' | '-' => self.out.push(next),
                // A name; what it may be is up to the compiler.
                'P' | '<' => {
                    self.out.push(next);
                    return match self.rest.peek() {
                        Some('=' | '!') => Err(format!("(?{next} begins nothing that is known")),
                        _ => Ok(()),
                    };
                }
                _ => return Err(format!("(?{next} begins nothing that is known")),
            }
        }
        Ok(())
    }

    /// After an opening brace: a repetition, or the brace itself.
    fn brace(&mut self) -> Result<(), String> {
        let ahead: String = self.rest.clone().take_while(|&next| next != '}').collect();
        let (least, most) = ahead.split_once(',').unwrap_or((&ahead, &ahead));
        let number =
            |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let closed = self.rest.clone().nth(ahead.chars().count()) == Some('}');
        if !closed || !number(least) || !(most.is_empty() || number(most)) {
            self.out.push_str(r"\{");
            return Ok(());
        }
        let too_often = |text: &str| !text.is_empty() && text.parse().is_ok_and(|n: u32| n > 1000);
        if least.len() > 4 || most.len() > 4 || too_often(least) || too_often(most) {
            return Err(format!("{{{ahead}}}: at most 1000 repetitions"));
        }
        write!(self.out, "{{{ahead}}}").map_err(|error| error.to_string())?;
        self.rest.by_ref().take(ahead.chars().count() + 1).for_each(drop);
        Ok(())
    }

    /// A character that stands for itself, whatever it is.
    fn literal(&mut self, character: char) {
        if character.is_alphanumeric() {
            self.out.push(character);
        } else {
            write!(self.out, "\\x{{{:x}}}", u32::from(character))
                .expect("a String takes everything");
        }
    }
}

enum Escaped {
    Character(char),
    Class(String),
}
