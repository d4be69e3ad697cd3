//! The runs of links and events of an open span.

use super::fields::OpenSpan;
use super::limits::Refusal;
use crate::span::attributes::Appending;
use crate::span::encode::Sanitized;
use crate::span::links::{self, Event, Link, EVENTS_MAX, LINKS_MAX};
use crate::span::run::{self, Kind};

impl OpenSpan {
    /// Adds a link with the attributes that `fill` adds, and returns what `fill` returns.
    pub fn add_link<R>(
        &mut self,
        link: &Link<'_>,
        fill: impl FnOnce(&mut Appending<'_>) -> R,
    ) -> Result<(R, Sanitized), Refusal> {
        if self.link_count as usize >= LINKS_MAX {
            return Err(Refusal::Limit);
        }
        self.has_more = true;
        let added = links::push_link(&mut self.links, link, fill)?;
        self.link_count += 1;
        Ok(added)
    }

    /// Adds all links of a run.
    pub fn add_links(&mut self, run: &[u8]) -> Result<(), Refusal> {
        let mut count = 0;
        run::each(Kind::Link, run, |_| count += 1);
        if self.link_count as usize + count > LINKS_MAX {
            return Err(Refusal::Limit);
        }
        self.has_more = true;
        self.links.push(run)?;
        self.link_count += count as u32;
        Ok(())
    }

    /// Adds an event with the attributes that `fill` adds, and returns what `fill` returns.
    pub fn add_event<R>(
        &mut self,
        event: &Event<'_>,
        fill: impl FnOnce(&mut Appending<'_>) -> R,
    ) -> Result<(R, Sanitized), Refusal> {
        if self.event_count as usize >= EVENTS_MAX {
            return Err(Refusal::Limit);
        }
        self.has_more = true;
        let added = links::push_event(&mut self.events, event, fill)?;
        self.event_count += 1;
        Ok(added)
    }

    /// Whether the span may have blobs, links or events.
    #[inline]
    pub fn has_more(&self) -> bool {
        self.has_more
    }

    /// Removes blobs, links and events, and frees their memory.
    #[cold]
    #[inline(never)]
    pub(super) fn clear_more(&mut self) {
        self.blobs.clear(0);
        self.links.clear(0);
        self.events.clear(0);
        (self.blob_count, self.link_count, self.event_count) = (0, 0, 0);
        self.has_more = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::{Buffer, Pool};
    use crate::span::attributes::{Scalar, Value};
    use crate::span::record::{self, Record};
    use crate::span::run::Item;

    #[test]
    fn links_and_events_come_back_from_a_record_in_their_order() {
        let (pool, mut chunk, mut span) = (Pool::default(), Buffer::new(), OpenSpan::default());
        for id in 1..=3 {
            let link = Link { trace_id_high: u64::MAX, trace_id_low: id, span_id: 7, flags: 1, ..Link::default() };
            span.add_link(&link, |attributes| attributes.one(b"n", Scalar::Integer(id as i64))).unwrap().0.unwrap();
            let event = Event { time_ns: u64::MAX - id, name: b"it happened", ..Event::default() };
            span.add_event(&event, |_| ()).unwrap();
        }
        let mut others = OpenSpan::default();
        others.add_links(span.links.bytes()).unwrap();
        assert_eq!(others.link_count, 3);
        record::append(&mut chunk, &pool, &span, 0, 7).unwrap();
        let (record, rest) = Record::read(chunk.bytes()).unwrap();
        assert!(rest.is_empty());
        let (mut links, mut events) = (Vec::new(), Vec::new());
        record.each(|item| match item {
            Item::Link(link) => links.push(link),
            Item::Event(event) => events.push(event),
            _ => unreachable!(),
        });
        for (n, (mut link, event)) in (1..).zip(links.into_iter().zip(events)) {
            assert_eq!((link.trace_id_high, link.trace_id_low, link.span_id, link.flags), (u64::MAX, n, 7, 1));
            assert_eq!(link.attributes.next(), Some((&b"n"[..], Value::One(Scalar::Integer(n as i64)))));
            assert_eq!((event.time_ns, event.name), (u64::MAX - n, &b"it happened"[..]));
        }
        span.reset();
        assert_eq!((span.links.capacity(), span.events.capacity(), span.has_more()), (0, 0, false));
    }

    #[test]
    fn links_and_events_beyond_the_limits_are_refused() {
        let mut span = OpenSpan::default();
        for _ in 0..LINKS_MAX {
            span.add_link(&Link::default(), |_| ()).unwrap();
            span.add_event(&Event::default(), |_| ()).unwrap();
        }
        assert_eq!(span.add_link(&Link::default(), |_| ()), Err(Refusal::Limit));
        assert_eq!(span.add_event(&Event::default(), |_| ()), Err(Refusal::Limit));
        let one = span.links.bytes().get(..span.links.len() / LINKS_MAX).unwrap().to_vec();
        assert_eq!(span.add_links(&one), Err(Refusal::Limit));
        assert_eq!((span.link_count, span.event_count), (128, 128));
    }
}
