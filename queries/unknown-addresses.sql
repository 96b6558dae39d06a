-- Who came in from an address that is none of yours (--known-addresses)?
SELECT
  s.ip_address,
  s.partner_tenant_id,
  s.account,
  MAX(s.country) AS country,
  MAX(s.asn) AS asn,
  COUNT(*) AS succeeded,
  COUNT(DISTINCT s.child_tenant_id) AS customers,
  MIN(s.created_at) AS first_at,
  MAX(s.created_at) AS last_at
FROM sign_ins AS s
LEFT JOIN tenants AS t ON t.child_tenant_id = s.child_tenant_id
LEFT JOIN known_addresses AS k ON k.ip_address = s.ip_address
WHERE s.verdict = 'succeeded'
  AND (s.side = 'inbound' OR s.side = 'outbound' AND NOT t.has_inbound) AND k.ip_address IS NULL
GROUP BY s.ip_address, s.partner_tenant_id, s.account
ORDER BY
  succeeded DESC, s.ip_address NULLS LAST, s.partner_tenant_id NULLS LAST, s.account NULLS LAST
