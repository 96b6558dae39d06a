-- Who signed in by a device code or with a password grant?
SELECT
  s.authentication_protocol,
  s.original_transfer_method,
  s.child_tenant_id,
  s.partner_tenant_id,
  s.account,
  s.app_id,
  MAX(s.app_name) AS app,
  s.ip_address,
  COUNT(*) AS sign_ins,
  SUM(CASE WHEN s.verdict = 'succeeded' THEN 1 ELSE 0 END) AS succeeded,
  MIN(s.created_at) AS first_at,
  MAX(s.created_at) AS last_at
FROM sign_ins AS s
LEFT JOIN tenants AS t ON t.child_tenant_id = s.child_tenant_id
WHERE (s.side = 'inbound' OR s.side = 'outbound' AND NOT t.has_inbound)
  AND (s.authentication_protocol IN ('deviceCode', 'ropc') OR s.original_transfer_method = 'deviceCodeFlow')
GROUP BY
  s.authentication_protocol, s.original_transfer_method, s.child_tenant_id, s.partner_tenant_id,
  s.account, s.app_id, s.ip_address
ORDER BY
  sign_ins DESC, s.authentication_protocol NULLS LAST, s.original_transfer_method NULLS LAST,
  s.child_tenant_id NULLS LAST, s.partner_tenant_id NULLS LAST, s.account NULLS LAST,
  s.app_id NULLS LAST, s.ip_address NULLS LAST
