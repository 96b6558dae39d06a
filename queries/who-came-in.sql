-- Who came in: which provider's accounts, with which app, from which address, to which customers?
SELECT
  s.partner_tenant_id,
  MAX(r.name) AS provider,
  s.partner_match,
  s.account,
  MAX(s.user_display_name) AS name,
  MAX(s.app_name) AS app,
  s.app_id,
  s.ip_address,
  MAX(s.country) AS country,
  COUNT(*) AS succeeded,
  COUNT(DISTINCT s.child_tenant_id) AS customers,
  MIN(s.created_at) AS first_at,
  MAX(s.created_at) AS last_at
FROM sign_ins AS s
LEFT JOIN tenants AS t ON t.child_tenant_id = s.child_tenant_id
LEFT JOIN partners AS r ON r.partner_tenant_id = s.partner_tenant_id
WHERE s.verdict = 'succeeded' AND (s.side = 'inbound' OR s.side = 'outbound' AND NOT t.has_inbound)
GROUP BY s.partner_tenant_id, s.partner_match, s.account, s.app_id, s.ip_address
ORDER BY
  succeeded DESC, s.partner_tenant_id NULLS LAST, s.partner_match NULLS LAST, s.account NULLS LAST,
  s.app_id NULLS LAST, s.ip_address NULLS LAST
