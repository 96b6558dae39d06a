-- Which service providers that are not on your list came to your customers?
SELECT
  s.partner_tenant_id,
  COUNT(*) AS sign_ins,
  SUM(CASE WHEN s.verdict = 'succeeded' THEN 1 ELSE 0 END) AS succeeded,
  SUM(CASE WHEN s.flagged THEN 1 ELSE 0 END) AS refused,
  COUNT(DISTINCT s.child_tenant_id) AS customers,
  COUNT(DISTINCT s.account) AS accounts,
  COUNT(DISTINCT s.app_id) AS apps,
  COUNT(DISTINCT s.ip_address) AS addresses,
  MIN(s.created_at) AS first_at,
  MAX(s.created_at) AS last_at
FROM sign_ins AS s
LEFT JOIN tenants AS t ON t.child_tenant_id = s.child_tenant_id
WHERE s.partner_match = 'service_provider'
  AND (s.side = 'inbound' OR s.side = 'outbound' AND NOT t.has_inbound)
GROUP BY s.partner_tenant_id
ORDER BY succeeded DESC, sign_ins DESC, s.partner_tenant_id NULLS LAST
