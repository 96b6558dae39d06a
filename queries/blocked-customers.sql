-- Which customers refuse your sign-ins, since when, and how often?
SELECT
  s.child_tenant_id,
  MAX(t.name) AS customer,
  s.partner_tenant_id,
  COUNT(*) AS sign_ins,
  SUM(CASE WHEN s.verdict = 'blocked' THEN 1 ELSE 0 END) AS blocked,
  SUM(CASE WHEN s.verdict = 'unexplained' THEN 1 ELSE 0 END) AS unexplained,
  SUM(CASE WHEN s.verdict = 'failed' THEN 1 ELSE 0 END) AS failed,
  SUM(CASE WHEN s.verdict = 'succeeded' THEN 1 ELSE 0 END) AS succeeded,
  COUNT(DISTINCT CASE WHEN s.flagged THEN s.account END) AS accounts_refused,
  MIN(CASE WHEN s.flagged THEN s.created_at END) AS first_refused_at,
  MAX(CASE WHEN s.flagged THEN s.created_at END) AS last_refused_at,
  MAX(CASE WHEN s.verdict = 'succeeded' THEN s.created_at END) AS last_succeeded_at
FROM sign_ins AS s
LEFT JOIN tenants AS t ON t.child_tenant_id = s.child_tenant_id
WHERE (s.side = 'inbound' OR s.side = 'outbound' AND NOT t.has_inbound) AND s.partner_match = 'listed'
GROUP BY s.child_tenant_id, s.partner_tenant_id
HAVING SUM(CASE WHEN s.flagged THEN 1 ELSE 0 END) > 0
ORDER BY blocked DESC, unexplained DESC, failed DESC, s.child_tenant_id NULLS LAST, s.partner_tenant_id NULLS LAST
