//! Resources: finite things that are held exclusively, such as the partitions of a topic.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use weir_domain::{GroupName, Millis, ReservationId, ResourceName, Timestamp};

use crate::schema;

/// A group of resources, and who waits for one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ResourceGroup)]
pub struct ResourceGroupView {
    #[schema(value_type = String)]
    pub group: GroupName,
    /// In the order in which they were declared.
    pub resources: Vec<ResourceView>,
    /// Who is served first stands first.
    pub waiting: Vec<ResourceWaiterView>,
}

/// Who holds it is absent while it is free.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Resource)]
pub struct ResourceView {
    #[schema(value_type = String)]
    pub name: ResourceName,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = "uuid")]
    pub reservation: Option<ReservationId>,
    /// The incarnation of the engine that holds it, as `node#incarnation`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Timestamp>)]
    pub since: Option<Timestamp>,
    /// How long it holds after each renewal, such as `30s`. Absent: until it is given back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub lease: Option<Millis>,
    /// When it ends unless it is renewed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Timestamp>)]
    pub expires_at: Option<Timestamp>,
    /// It is not declared any more, and gone as soon as it is free.
    pub retired: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ResourceWaiter)]
pub struct ResourceWaiterView {
    pub owner: String,
    /// Absent: any of the group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub wanted: Option<ResourceName>,
    #[schema(value_type = schema::Timestamp)]
    pub since: Timestamp,
}

/// Which resources a group has. Those that are held and not among them stay until they are free.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ResourcesDeclare {
    #[schema(value_type = String)]
    pub group: GroupName,
    #[schema(value_type = Vec<String>)]
    pub resources: Vec<ResourceName>,
}

/// Asks for a free resource of a group, on behalf of the engine that answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ResourceReserve {
    #[schema(value_type = String)]
    pub group: GroupName,
    /// Absent: any of the group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub resource: Option<ResourceName>,
    /// The reservation that was asked for before and still waits: it keeps its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = "uuid")]
    pub reservation: Option<ReservationId>,
    /// How long it holds after each renewal, such as `30s`. Absent: until it is given back, or the
    /// engine is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub lease: Option<Millis>,
    /// Wait for its turn when none is free, and ask again within 30 seconds.
    #[serde(default)]
    pub wait: bool,
}

/// What became of an ask.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Reservation)]
pub struct ReservationView {
    #[schema(value_type = String, format = "uuid")]
    pub reservation: ReservationId,
    /// What it holds. Absent while it waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub resource: Option<ResourceName>,
    /// How many are served before. Absent when it holds something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting: Option<u64>,
}

/// Reservations to renew or to give back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Reservations {
    #[schema(value_type = Vec<String>)]
    pub reservations: Vec<ReservationId>,
}

/// Which resources to take from their holders.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ResourcesRevoke {
    #[schema(value_type = String)]
    pub group: GroupName,
    /// The resources by name; without it all of the group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<String>>)]
    pub resources: Option<Vec<ResourceName>>,
    /// Only count, and change nothing.
    #[serde(default)]
    pub dry_run: bool,
}

/// What a revocation did, or would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResourcesRevoked {
    #[schema(value_type = String)]
    pub group: GroupName,
    /// How many were held, and are free or their next one's now.
    pub count: u64,
    /// Whether nothing was changed.
    pub dry_run: bool,
}
