"""The tables of all actors; an actor uses its own ones, and several actors may share a database.

Times are seconds since 1970 (UTC). Columns that hold keys are read only where the key is used.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

METADATA: Final = MetaData()

OWNERS: Final = Table(
    "owners",
    METADATA,
    Column("kind", String(32), primary_key=True),
    Column("owner", String(200), nullable=False),
    Column("schema_version", Integer, nullable=False),
)

SEQUENCES: Final = Table(
    "sequences",
    METADATA,
    Column("name", String(64), primary_key=True),
    Column("next", BigInteger, nullable=False),
)

SUBSCRIPTIONS: Final = Table(
    "mno_subscriptions",
    METADATA,
    Column("iccid", String(20), primary_key=True),
    Column("imsi", String(15), nullable=False, unique=True),
    Column("k", LargeBinary, nullable=False),
    Column("opc", LargeBinary, nullable=False),
    Column("msisdn", String(20)),
    Column("sm_sr", String(200), nullable=False),
    Column("order_id", String(64), index=True),
    Column("sm_dp", String(200)),
)

EUICCS: Final = Table(
    "eum_euiccs",
    METADATA,
    Column("eid", String(32), primary_key=True),
    Column("production_date", String(10), nullable=False),
    Column("factory", Text, nullable=False),
    Column("msisdn", String(20)),
)

ORDERS: Final = Table(
    "dp_orders",
    METADATA,
    Column("order_id", String(64), primary_key=True),
    Column("requester", String(200), nullable=False),
    Column("mno", String(200), nullable=False),
    Column("source", String(8), nullable=False),
    Column("profile_type", String(64), nullable=False),
    Column("amount", Integer, nullable=False),
    Column("route", String(32)),
    Column("receiver", String(200)),
    Column("state", String(16), nullable=False),
    Column("reason", Text, nullable=False, default=""),
    Column("created_at", Float, nullable=False),
)

PROFILES: Final = Table(
    "dp_profiles",
    METADATA,
    Column("iccid", String(20), primary_key=True),
    Column("order_id", String(64), nullable=False, index=True),
    Column("number", Integer, nullable=False),
    Column("imsi", String(15), nullable=False, unique=True),
    Column("k", LargeBinary, nullable=False),
    Column("opc", LargeBinary, nullable=False),
    Column("msisdn", String(20)),
    Column("sm_sr", String(200), nullable=False),
    Column("eid", String(32)),
    Column("isdp_aid", LargeBinary),
    Column("state", String(16), nullable=False),
    Column("reason", Text, nullable=False, default=""),
    Column("packet_set", LargeBinary),
)

ORDER_TARGETS: Final = Table(
    "dp_order_targets",
    METADATA,
    Column("order_id", String(64), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("eid", String(32), nullable=False),
)

PACKET_SETS: Final = Table(
    "packet_sets",
    METADATA,
    Column("iccid", String(20), primary_key=True),
    Column("eid", String(32), nullable=False, index=True),
    Column("order_id", String(64), nullable=False),
    Column("mno", String(200), nullable=False),
    Column("sm_dp", String(200), nullable=False),
    Column("profile_type", String(200), nullable=False),
    Column("profile_class", String(16), nullable=False),
    Column("isdp_aid", LargeBinary, nullable=False),
    Column("raw", LargeBinary, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("link", String(200), nullable=False),
    Column("received_at", Float, nullable=False),
)

ISDP_AIDS: Final = Table(
    "isdp_aids",
    METADATA,
    Column("eid", String(32), primary_key=True),
    Column("tar", Integer, primary_key=True),
    Column("iccid", String(20), nullable=False),
    UniqueConstraint("eid", "iccid"),
)

DEVICES: Final = Table(
    "devices",
    METADATA,
    Column("device_id", String(200), primary_key=True),
    Column("eid", String(32), nullable=False, unique=True),
    Column("life", String(16), nullable=False),
    Column("kvn", Integer),
    Column("auth", LargeBinary),
    Column("enc", LargeBinary),
    Column("failures", Integer, nullable=False, default=0),
    Column("last_session", String(64)),
)

DEVICE_SESSIONS: Final = Table(
    "device_sessions",
    METADATA,
    Column("session", String(64), primary_key=True),
    Column("station", String(200), nullable=False),
    Column("manner", String(16), nullable=False),
    Column("subject", String(16), nullable=False),
    Column("server_nonce", LargeBinary, nullable=False),
    Column("esim_challenge", LargeBinary, nullable=False),
    Column("opened_at", Float, nullable=False),
    Column("until", Float, nullable=False),
    Column("state", String(16), nullable=False),
    Column("reason", Text, nullable=False, default=""),
    Column("device_id", String(200)),
    Column("eid", String(32)),
)

IMAGES: Final = Table(
    "images",
    METADATA,
    Column("image_id", String(64), primary_key=True),
    Column("iccid", String(20), nullable=False, index=True),
    Column("eid", String(32), nullable=False, index=True),
    Column("isdp_aid", LargeBinary, nullable=False),
    Column("device_id", String(200)),
    Column("issue", Integer, nullable=False),
    Column("signed_by", String(16), nullable=False),
    Column("enciphered", Boolean, nullable=False),
    Column("enable", Boolean, nullable=False),
    Column("counter", BigInteger, nullable=False),
    Column("state", String(16), nullable=False),
    Column("reason", Text, nullable=False, default=""),
    Column("raw", LargeBinary, nullable=False),
    Column("built_at", Float, nullable=False),
)

ISDR_COUNTERS: Final = Table(
    "isdr_counters",
    METADATA,
    Column("eid", String(32), primary_key=True),
    Column("next", BigInteger, nullable=False),
)

OUTBOX: Final = Table(
    "outbox",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("notification_id", String(64), nullable=False, unique=True),
    Column("sm_sr", String(200), nullable=False),
    Column("body", Text, nullable=False),
    Column("attempts", Integer, nullable=False, default=0),
    Column("next_try", Float, nullable=False),
    Column("state", String(16), nullable=False),
    Column("reason", Text, nullable=False, default=""),
)

EIS: Final = Table(
    "eis",
    METADATA,
    Column("eid", String(32), primary_key=True),
    Column("eum", String(200), nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("signature", LargeBinary, nullable=False),
    Column("msisdn", String(20), index=True),
    Column("registered_at", Float, nullable=False),
    Column("audited_at", Float),
)

EIS_PROPERTIES: Final = Table(
    "eis_properties",
    METADATA,
    Column("eid", String(32), primary_key=True),
    Column("name", String(64), primary_key=True),
    Column("value", Text, nullable=False),
)

EIS_PROFILES: Final = Table(
    "eis_profiles",
    METADATA,
    Column("eid", String(32), primary_key=True),
    Column("isdp_aid", LargeBinary, primary_key=True),
    Column("iccid", String(20), nullable=False),
    Column("mno", String(200), nullable=False),
    Column("sm_dp", String(200), nullable=False),
    Column("state", String(16), nullable=False),
    Column("fallback", Boolean, nullable=False, default=False),
    Column("pol2", Integer, nullable=False, default=0),
    Column("memory", Integer, nullable=False, default=0),
    Column("profile_type", String(200), nullable=False, default=""),
    Column("imsi", String(15), nullable=False, default=""),
    Column("msisdn", String(20), nullable=False, default=""),
    Column("delete_due", Boolean, nullable=False, default=False),
)

OTA_KEYS: Final = Table(
    "ota_keys",
    METADATA,
    Column("eid", String(32), primary_key=True),
    Column("kvn", Integer, nullable=False),
    Column("kic", LargeBinary, nullable=False),
    Column("kid", LargeBinary, nullable=False),
    Column("counter", BigInteger, nullable=False),
)

ADMIN_KEYS: Final = Table(
    "admin_keys",
    METADATA,
    Column("eid", String(32), primary_key=True),
    Column("kvn", Integer, nullable=False),
    Column("kid", Integer, nullable=False),
    Column("psk", LargeBinary, nullable=False),
)

ADMIN_KEY_RENEWALS: Final = Table(
    "sr_admin_key_renewals",
    METADATA,
    Column("eid", String(32), primary_key=True),
    Column("kvn", Integer, nullable=False),
    Column("kid", Integer, nullable=False),
    Column("psk", LargeBinary, nullable=False),
    Column("dek", LargeBinary, nullable=False),
    Column("state", String(16), nullable=False, index=True),
    Column("job", String(64), nullable=False, default=""),
    Column("reason", Text, nullable=False, default=""),
)

OTA_WAYS: Final = Table(
    "ota_ways",
    METADATA,
    Column("job", String(64), primary_key=True),
    Column("way", String(16), nullable=False),
)

OTA_COMMANDS: Final = Table(
    "ota_commands",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("job", String(64), nullable=False, index=True),
    Column("eid", String(32), nullable=False, index=True),
    Column("name", String(64), nullable=False),
    Column("tar", LargeBinary, nullable=False),
    Column("script", LargeBinary, nullable=False),
    Column("expected", LargeBinary),
    Column("counter", BigInteger),
    Column("packet", LargeBinary),
    Column("messages", Integer, nullable=False, default=0),
    Column("attempts", Integer, nullable=False, default=0),
    Column("next_try", Float, nullable=False),
    Column("state", String(16), nullable=False, index=True),
    Column("status", Integer),
    Column("response", LargeBinary),
    Column("reason", Text, nullable=False, default=""),
)

OTA_JOBS: Final = Table(
    "ota_jobs",
    METADATA,
    Column("job", String(64), primary_key=True),
    Column("eid", String(32), nullable=False, index=True),
    Column("kind", String(32), nullable=False),
    Column("iccid", String(20), nullable=False),
    Column("isdp_aid", LargeBinary, nullable=False),
    Column("caller", String(200), nullable=False),
    Column("state", String(16), nullable=False),
    Column("reason", Text, nullable=False, default=""),
    Column("created_at", Float, nullable=False),
    Column("until", Float),
)

NOTIFICATIONS: Final = Table(
    "notifications",
    METADATA,
    Column("notification_id", String(64), primary_key=True),
    Column("sender", String(200), nullable=False),
    Column("body", Text, nullable=False),
    Column("received_at", Float, nullable=False),
)

FUNCTION_CALLS: Final = Table(
    "function_calls",
    METADATA,
    Column("owner", String(200), primary_key=True),
    Column("caller", String(200), primary_key=True),
    Column("identifier", String(200), primary_key=True),
    Column("digest", LargeBinary, nullable=False),
    Column("state", String(16), nullable=False),
    Column("until", Float),
    Column("keep_until", Float, nullable=False, index=True),
    Column("status", Integer),
    Column("headers", Text),
    Column("body", LargeBinary),
)

NOTICES: Final = Table(
    "notices",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("notice_id", String(64), nullable=False),
    Column("sender", String(200), nullable=False),
    Column("receiver", String(200), nullable=False),
    Column("body", Text, nullable=False),
    Column("attempts", Integer, nullable=False, default=0),
    Column("next_try", Float, nullable=False),
    Column("state", String(16), nullable=False, index=True),
    Column("reason", Text, nullable=False, default=""),
    UniqueConstraint("notice_id", "sender", "receiver"),
)

TAKEN_NOTICES: Final = Table(
    "taken_notices",
    METADATA,
    Column("notice_id", String(64), primary_key=True),
    Column("taker", String(200), primary_key=True),
    Column("sender", String(200), nullable=False),
    Column("body", Text, nullable=False),
    Column("taken_at", Float, nullable=False),
)

DP_CALLS: Final = Table(
    "dp_calls",
    METADATA,
    Column("call", String(64), primary_key=True),
    Column("kind", String(32), nullable=False),
    Column("mno", String(200), nullable=False, index=True),
    Column("sm_sr", String(200), nullable=False),
    Column("eid", String(32), nullable=False, index=True),
    Column("iccid", String(20), nullable=False),
    Column("enable", Boolean, nullable=False, default=False),
    Column("job", String(64), nullable=False, default=""),
    Column("step", String(64), nullable=False, default=""),
    Column("state", String(16), nullable=False, index=True),
    Column("reason", Text, nullable=False, default=""),
    Column("attempts", Integer, nullable=False, default=0),
    Column("data", LargeBinary),
    Column("created_at", Float, nullable=False),
    Column("until", Float),
)

DP_ISDP_KEYS: Final = Table(
    "dp_isdp_keys",
    METADATA,
    Column("eid", String(32), primary_key=True),
    Column("isdp_aid", LargeBinary, primary_key=True),
    Column("iccid", String(20), nullable=False),
    Column("kvn", Integer, nullable=False),
    Column("enc", LargeBinary, nullable=False),
    Column("mac", LargeBinary, nullable=False),
    Column("dek", LargeBinary, nullable=False),
    Column("option", Integer, nullable=False),
)

HANDOVERS: Final = Table(
    "sr_handovers",
    METADATA,
    Column("eid", String(32), primary_key=True),
    Column("direction", String(4), primary_key=True),
    Column("other", String(200), nullable=False),
    Column("mno", String(200), nullable=False),
    Column("state", String(16), nullable=False, index=True),
    Column("reason", Text, nullable=False, default=""),
    Column("job", String(64), nullable=False, default=""),
    Column("body", Text, nullable=False, default=""),
    Column("kvn", Integer),
    Column("request", LargeBinary),
    Column("ephemeral", LargeBinary),
    Column("begun_at", Float, nullable=False),
)

CARD_NOTIFICATIONS: Final = Table(
    "sr_card_notifications",
    METADATA,
    Column("eid", String(32), primary_key=True),
    Column("sequence", Integer, nullable=False),
    Column("kind", Integer, nullable=False),
    Column("isdp_aid", LargeBinary, nullable=False),
    Column("state", String(16), nullable=False, index=True),
    Column("job", String(64), nullable=False, default=""),
    Column("received_at", Float, nullable=False),
)
