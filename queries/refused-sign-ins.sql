-- Each sign-in that was refused, with what proves it: request id, file and offset.
SELECT
  s.created_at,
  s.child_tenant_id,
  s.partner_tenant_id,
  s.account,
  s.app_name,
  s.ip_address,
  s.verdict,
  s.error_code,
  s.cause,
  s.sign_in_id,
  s.correlation_id,
  s.source_export,
  s.source_offset
FROM sign_ins AS s
LEFT JOIN tenants AS t ON t.child_tenant_id = s.child_tenant_id
WHERE s.flagged AND (s.side = 'inbound' OR s.side = 'outbound' AND NOT t.has_inbound)
ORDER BY s.created_at DESC NULLS LAST, s.source_export NULLS LAST, s.source_offset NULLS LAST
