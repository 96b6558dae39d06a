-- Which addresses came in to three customers or more?
SELECT
  s.ip_address,
  MAX(s.country) AS country,
  MAX(s.asn) AS asn,
  COUNT(DISTINCT s.child_tenant_id) AS customers,
  COUNT(DISTINCT s.account) AS accounts,
  COUNT(DISTINCT s.partner_tenant_id) AS providers,
  COUNT(*) AS succeeded,
  MIN(s.created_at) AS first_at,
  MAX(s.created_at) AS last_at
FROM sign_ins AS s
LEFT JOIN tenants AS t ON t.child_tenant_id = s.child_tenant_id
WHERE s.verdict = 'succeeded'
  AND (s.side = 'inbound' OR s.side = 'outbound' AND NOT t.has_inbound) AND s.ip_address IS NOT NULL
GROUP BY s.ip_address
HAVING COUNT(DISTINCT s.child_tenant_id) >= 3
ORDER BY customers DESC, succeeded DESC, s.ip_address NULLS LAST
