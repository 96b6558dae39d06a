-- Who was blocked and came in later, at the same customer with the same app?
WITH blocked AS (
  SELECT
    b.child_tenant_id,
    b.partner_tenant_id,
    b.account,
    b.app_id,
    MAX(b.app_name) AS app,
    COUNT(*) AS blocked,
    MIN(b.created_at) AS first_blocked_at
  FROM sign_ins AS b
  LEFT JOIN tenants AS tb ON tb.child_tenant_id = b.child_tenant_id
  WHERE b.verdict = 'blocked' AND (b.side = 'inbound' OR b.side = 'outbound' AND NOT tb.has_inbound)
  GROUP BY b.child_tenant_id, b.partner_tenant_id, b.account, b.app_id
)
SELECT
  b.child_tenant_id,
  b.partner_tenant_id,
  b.account,
  b.app_id,
  MAX(b.app) AS app,
  MAX(b.blocked) AS blocked,
  MIN(b.first_blocked_at) AS first_blocked_at,
  MIN(s.created_at) AS first_success_after,
  COUNT(*) AS succeeded_after,
  COUNT(DISTINCT s.ip_address) AS addresses
FROM blocked AS b
JOIN sign_ins AS s
  ON s.child_tenant_id = b.child_tenant_id AND s.partner_tenant_id = b.partner_tenant_id
  AND s.account = b.account AND s.app_id = b.app_id
LEFT JOIN tenants AS t ON t.child_tenant_id = s.child_tenant_id
WHERE s.verdict = 'succeeded'
  AND (s.side = 'inbound' OR s.side = 'outbound' AND NOT t.has_inbound)
  AND s.created_at > b.first_blocked_at
GROUP BY b.child_tenant_id, b.partner_tenant_id, b.account, b.app_id
ORDER BY
  first_success_after DESC, b.child_tenant_id NULLS LAST, b.partner_tenant_id NULLS LAST,
  b.account NULLS LAST, b.app_id NULLS LAST
