//! Azure Monitor diagnostic settings: JSON lines in a storage account, or the
//! `{"records": […]}` messages of an event hub. An envelope around a sign-in's `properties`.
//!
//! Source: the sign-in log schema for Azure Monitor.

use super::json::{Room, read_record};
use super::row::sign_in_type_of_log;
use super::sign_in::{Envelope, SignInWire, parse_code, sign_in_of, tenant};
use super::wire::{OrText, Present, Text, TextQuality, wire};
use super::{Reading, RecordOptions, Unreadable};
use crate::sign_in::{Outcome, SignInType, StatusWord};
use crate::tenant::TenantId;

wire! {
    /// The envelope; `properties` is an object, or its JSON text where a forwarder made it so.
    EnvelopeWire<'a> {
        "time" => time: Text<'a>,
        "resourceId" => resource_id: Text<'a>,
        "category" => category: Text<'a>,
        "tenantId" => tenant: Text<'a>,
        "resultType" => result_type: Text<'a>,
        "resultSignature" => result_signature: Text<'a>,
        "resultDescription" => result_description: Text<'a>,
        "callerIpAddress" => caller_ip_address: Text<'a>,
        "correlationId" => correlation_id: Text<'a>,
        "identity" => identity: Text<'a>,
        "location" => location: Text<'a>,
        "properties" => properties: Option<OrText<SignInWire<'a>>>,
    }
}

wire! { Keys {
    "properties" => properties: Present,
    "time" => time: Present,
    "category" => category: Present,
    "operationname" => operation: Present,
} }

/// Whether a record looks like an envelope of this kind.
pub(super) fn detect(record: &[u8]) -> Result<(), String> {
    let keys: Keys = read_record(record, &Room::new()).map_err(|error| error.to_string())?;
    if !keys.properties.0 {
        return Err("it has no `properties`".to_owned());
    }
    if !keys.time.0 && !keys.category.0 && !keys.operation.0 {
        return Err("it has no `time`, `category` or `operationName`".to_owned());
    }
    Ok(())
}

/// Reads one envelope.
pub(super) fn normalise(record: &[u8], options: RecordOptions) -> Result<Reading, Unreadable> {
    let room = Room::new();
    let wire: EnvelopeWire<'_> = read_record(record, &room)?;
    let Some(OrText { value: properties, text }) = wire.properties else {
        return Err(Unreadable::OtherKind);
    };
    let sign_in_type = match wire.category.0 {
        Some(category) => match sign_in_type_of_log(category) {
            Some(sign_in_type) => Some(sign_in_type),
            None => return Err(Unreadable::OtherCategory { category: category.to_owned() }),
        },
        None => None,
    };
    if text == TextQuality::Unreadable {
        return Err(Unreadable::Properties);
    }
    let code = wire.result_type.0.and_then(parse_code);
    let word = [wire.result_type, wire.result_signature]
        .into_iter()
        .find_map(|text| text.0.and_then(StatusWord::parse));
    let exporting_tenant = tenant(wire.tenant)
        .or_else(|| tenant(properties.tenant))
        .or_else(|| wire.resource_id.0.and_then(tenant_of_resource_id));
    let envelope = Envelope {
        published: wire.time,
        exporting_tenant,
        sign_in_type: sign_in_type.filter(|&known| known != SignInType::Unknown),
        // The code says more than the word, which is only asked where there is no code.
        outcome: Outcome::new(code, word.filter(|_| code.is_none())),
        failure_reason: wire.result_description,
        ip_address: wire.caller_ip_address,
        correlation_id: wire.correlation_id,
        user_display_name: wire.identity,
        country: wire.location,
        is_envelope: true,
        options,
        ..Envelope::default()
    };
    let reading = sign_in_of(&properties, &envelope, &room)?;
    Ok(Reading { repaired: reading.repaired || text == TextQuality::Repaired, ..reading })
}

/// The tenant in `/tenants/GUID/providers/Microsoft.aadiam`.
fn tenant_of_resource_id(resource_id: &str) -> Option<TenantId> {
    let mut segments = resource_id.split('/');
    segments.find(|segment| segment.eq_ignore_ascii_case("tenants"))?;
    segments.next().and_then(TenantId::parse)
}
