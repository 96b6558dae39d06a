-- Which accounts get in, and which not?
SELECT
  s.partner_tenant_id,
  s.account,
  MAX(a.kind) AS kind,
  COUNT(*) AS sign_ins,
  SUM(CASE WHEN s.verdict = 'succeeded' THEN 1 ELSE 0 END) AS succeeded,
  SUM(CASE WHEN s.verdict = 'blocked' THEN 1 ELSE 0 END) AS blocked,
  SUM(CASE WHEN s.flagged THEN 1 ELSE 0 END) AS refused,
  COUNT(DISTINCT s.child_tenant_id) AS customers,
  COUNT(DISTINCT CASE WHEN s.flagged THEN s.child_tenant_id END) AS customers_refusing,
  COUNT(DISTINCT s.ip_address) AS addresses,
  MAX(s.created_at) AS last_at
FROM sign_ins AS s
LEFT JOIN tenants AS t ON t.child_tenant_id = s.child_tenant_id
LEFT JOIN accounts AS a ON a.partner_tenant_id = s.partner_tenant_id AND a.account = s.account
WHERE (s.side = 'inbound' OR s.side = 'outbound' AND NOT t.has_inbound)
GROUP BY s.partner_tenant_id, s.account
ORDER BY refused DESC, sign_ins DESC, s.partner_tenant_id NULLS LAST, s.account NULLS LAST
