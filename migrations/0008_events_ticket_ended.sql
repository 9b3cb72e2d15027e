-- How queues do is counted from what the platform itself says of each ticket; clients may send what they like under that name.
CREATE INDEX IF NOT EXISTS events_ticket_ended ON telemetry.events (at) WHERE kind = 'ticket.ended' AND source = 'server';
