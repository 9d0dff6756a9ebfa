//! Where a part of a message sits: `OBX[2]-5.1` is the first component of the fifth field of the second OBX.

use std::fmt;

/// A place in a message: a segment, a field, perhaps one of its occurrences, a component, a subcomponent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Path {
    pub segment: [u8; 3],
    /// Which segment of that name in the message, from 1; without a number, the first.
    pub occurrence: Option<usize>,
    /// From 1, as the standard counts: a header's separator is its first.
    pub field: usize,
    /// From 1. Without one, a component is looked for in the first occurrence.
    pub repeat: Option<usize>,
    /// From 1.
    pub component: Option<usize>,
    /// From 1.
    pub subcomponent: Option<usize>,
}

impl Path {
    /// Reads `PID-5`, `OBX[2]-5.1` or `PID-3[2].1.2`. Numbers have at most nine digits.
    pub fn parse(text: &str) -> Option<Path> {
        let (segment, place) = text.split_once('-')?;
        let (name, occurrence) = bracketed(segment)?;
        let segment = <[u8; 3]>::try_from(name.as_bytes()).ok()?;
        let fits = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
        if !segment.iter().all(fits) || !segment.first()?.is_ascii_uppercase() {
            return None;
        }
        let mut parts = place.split('.');
        let (field, repeat) = bracketed(parts.next()?)?;
        let component = parts.next().map(count);
        let subcomponent = parts.next().map(count);
        if parts.next().is_some() {
            return None;
        }
        let field = count(field)?;
        let (component, subcomponent) = (given(component)?, given(subcomponent)?);
        Some(Path { segment, occurrence, field, repeat, component, subcomponent })
    }
}

/// What stands before brackets, and the number in them where there are any.
fn bracketed(text: &str) -> Option<(&str, Option<usize>)> {
    match text.split_once('[') {
        Some((before, number)) => Some((before, Some(count(number.strip_suffix(']')?)?))),
        None => Some((text, None)),
    }
}

/// `None` where a number was given that is none.
fn given(number: Option<Option<usize>>) -> Option<Option<usize>> {
    number.map_or(Some(None), |number| number.map(Some))
}

fn count(text: &str) -> Option<usize> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse::<usize>().ok().filter(|number| plain && text.len() <= 9 && *number > 0)
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.segment))?;
        if let Some(occurrence) = self.occurrence {
            write!(f, "[{occurrence}]")?;
        }
        write!(f, "-{}", self.field)?;
        if let Some(repeat) = self.repeat {
            write!(f, "[{repeat}]")?;
        }
        for part in [self.component, self.subcomponent].into_iter().flatten() {
            write!(f, ".{part}")?;
        }
        Ok(())
    }
}
