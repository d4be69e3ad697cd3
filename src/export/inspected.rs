//! Describes exporters, accounts and batches for debuggers and readers of cores.

use super::account::Account;
use super::batch;
use super::connection::ConnectionState;
use super::exporter::Exporter;
use super::metadata::{self, Metadata};
use super::queue::Queue;
use super::shared::Shared;
use crate::counters::Counters;
use crate::inspect::{holding, shapes, Field, TypeDescriptor};
use std::mem::offset_of;
use std::sync::{Arc, PoisonError};

/// All type descriptors of this part. Takes the locks that making a tracer takes, and those of the queues.
pub fn descriptors(shared: &Shared, exporters: &[Exporter]) -> Vec<TypeDescriptor> {
    let mut descriptors = vec![
        TypeDescriptor::row("account", &shared.accounts[..], account(&shared.accounts[..])),
        TypeDescriptor::row("exporter", exporters, exporter(exporters)),
        TypeDescriptor::inside::<u32>("offset", vec![Field::number("at", 0, 4)]),
    ];
    descriptors.extend(batch::inspected());
    descriptors.extend(Queue::inspected_parts());
    descriptors.extend(metadata(&shared.accounts[..]));
    descriptors
}

fn account(accounts: &[Account]) -> Vec<Field> {
    let Some(first) = accounts.first() else { return Vec::new() };
    let counters = offset_of!(Account, counters);
    let mut fields: Vec<Field> = Counters::inspected().into_iter().map(|field| field.moved(counters)).collect();
    let metadata = holding!(Pointer of "metadata", Account, metadata);
    fields.push(metadata.of_size(size_of::<usize>()).moved(shapes::in_mutex(&first.metadata)));
    fields
}

// What lies before an `Arc`'s content depends on its alignment alone.
const _: () = assert!(align_of::<Metadata>() == align_of::<u64>());

/// Describes metadata. A pointer to it refers to the reference counts of its `Arc`, which precede the metadata.
fn metadata(accounts: &[Account]) -> Option<TypeDescriptor> {
    let behind = shapes::in_arc(&Arc::new(0u64));
    // The account's field is right only if the lock's content is the pointer and nothing else.
    accounts
        .first()
        .filter(|account| size_of_val(&*account.metadata.lock().unwrap_or_else(PoisonError::into_inner)) == 8)?;
    let fields = metadata::inspected().into_iter().map(|field| field.moved(behind)).collect();
    Some(TypeDescriptor::inside::<Metadata>("metadata", fields).sized(behind + size_of::<Metadata>()))
}

fn exporter(exporters: &[Exporter]) -> Vec<Field> {
    let Some(first) = exporters.first() else { return Vec::new() };
    let (queue, connection) = (offset_of!(Exporter, queue), offset_of!(Exporter, connection));
    let mut fields: Vec<Field> = first.queue.inspected().into_iter().map(|field| field.moved(queue)).collect();
    fields.extend(ConnectionState::inspected().into_iter().map(|field| field.moved(connection)));
    fields.push(holding!(Pointer of "batches", Exporter, batches));
    fields
}
