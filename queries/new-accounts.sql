-- Which accounts came in to a customer for the first time within the last seven days of the logs?
WITH firsts AS (
  SELECT
    s.child_tenant_id,
    s.partner_tenant_id,
    s.account,
    MIN(s.created_at) AS first_at,
    COUNT(*) AS succeeded,
    COUNT(DISTINCT s.ip_address) AS addresses
  FROM sign_ins AS s
  LEFT JOIN tenants AS t ON t.child_tenant_id = s.child_tenant_id
  WHERE s.verdict = 'succeeded'
    AND (s.side = 'inbound' OR s.side = 'outbound' AND NOT t.has_inbound)
  GROUP BY s.child_tenant_id, s.partner_tenant_id, s.account
),
logs AS (
  SELECT c.child_tenant_id, MIN(c.created_at) AS begin_at, MAX(c.created_at) AS end_at
  FROM sign_ins AS c
  LEFT JOIN tenants AS tc ON tc.child_tenant_id = c.child_tenant_id
  WHERE (c.side = 'inbound' OR c.side = 'outbound' AND NOT tc.has_inbound)
  GROUP BY c.child_tenant_id
)
SELECT
  f.child_tenant_id,
  f.partner_tenant_id,
  f.account,
  f.first_at,
  f.succeeded,
  f.addresses,
  l.begin_at AS log_begins_at
FROM firsts AS f
JOIN logs AS l ON l.child_tenant_id = f.child_tenant_id
WHERE f.first_at > l.end_at - INTERVAL '7 days' AND f.first_at > l.begin_at + INTERVAL '7 days'
ORDER BY f.first_at DESC, f.child_tenant_id NULLS LAST, f.partner_tenant_id NULLS LAST, f.account NULLS LAST
