//! What debuggers see of exporters, accounts and what the worker has in hand.

use super::contact::Contact;
use super::queue::Queue;
use super::{card, load, Account, Exporter, Profile, Shared};
use crate::counters::Counters;
use crate::inspect::{holding, shapes, Field, TypeDescriptor};
use std::mem::offset_of;
use std::sync::{Arc, PoisonError};

/// All type descriptors of this part. Takes locks that only tracers' making holds, and the queues' for a moment.
pub fn descriptors(shared: &Shared, exporters: &[Exporter]) -> Vec<TypeDescriptor> {
    let mut descriptors = vec![
        TypeDescriptor::row("account", &shared.accounts, account(&shared.accounts)),
        TypeDescriptor::row("exporter", exporters, exporter(exporters)),
        TypeDescriptor::inside::<u32>("offset", vec![Field::number("at", 0, 4)]),
    ];
    descriptors.extend(load::inspected());
    descriptors.extend(Queue::inspected_parts());
    descriptors.extend(profile(&shared.accounts));
    descriptors
}

fn account(accounts: &[Account]) -> Vec<Field> {
    let Some(first) = accounts.first() else { return Vec::new() };
    let counters = offset_of!(Account, counters);
    let mut fields: Vec<Field> = Counters::inspected().into_iter().map(|field| field.moved(counters)).collect();
    let profile = holding!(Pointer of "profile", Account, profile);
    fields.push(profile.of_size(size_of::<usize>()).moved(shapes::in_mutex(&first.profile)));
    fields
}

// What lies before an `Arc`'s content depends on its alignment alone.
const _: () = assert!(align_of::<Profile>() == align_of::<u64>());

/// A pointer to a profile leads to the counts of its owners; the profile lies behind them.
fn profile(accounts: &[Account]) -> Option<TypeDescriptor> {
    let behind = shapes::in_arc(&Arc::new(0u64));
    // That the lock's content is the pointer and nothing else is what the account's field takes for granted.
    accounts
        .first()
        .filter(|account| size_of_val(&*account.profile.lock().unwrap_or_else(PoisonError::into_inner)) == 8)?;
    let fields = card::inspected().into_iter().map(|field| field.moved(behind)).collect();
    Some(TypeDescriptor::inside::<Profile>("profile", fields).sized(behind + size_of::<Profile>()))
}

fn exporter(exporters: &[Exporter]) -> Vec<Field> {
    let Some(first) = exporters.first() else { return Vec::new() };
    let (queue, contact) = (offset_of!(Exporter, queue), offset_of!(Exporter, contact));
    let mut fields: Vec<Field> = first.queue.inspected().into_iter().map(|field| field.moved(queue)).collect();
    fields.extend(Contact::inspected().into_iter().map(|field| field.moved(contact)));
    fields.push(holding!(Pointer of "loads", Exporter, loads));
    fields
}
