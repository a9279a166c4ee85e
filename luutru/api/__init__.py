"""What machines ask by HTTP: one file a subject, each with a `router` that names whole addresses."""

V1 = "/api/v1"
