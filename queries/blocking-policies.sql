-- Which policies block, of which customer, and what do they match and demand?
SELECT
  p.child_tenant_id,
  MAX(t.name) AS customer,
  p.policy_id,
  MAX(p.policy_name) AS policy,
  COUNT(*) AS blocked_sign_ins,
  COUNT(DISTINCT p.app_name) AS apps,
  MAX(p.matched_conditions) AS matched_conditions,
  MAX(p.demanded_controls) AS demanded_controls,
  MIN(p.created_at) AS first_at,
  MAX(p.created_at) AS last_at
FROM applied_policies AS p
LEFT JOIN tenants AS t ON t.child_tenant_id = p.child_tenant_id
WHERE p.blocks AND (p.side = 'inbound' OR p.side = 'outbound' AND NOT t.has_inbound)
GROUP BY p.child_tenant_id, p.policy_id
ORDER BY blocked_sign_ins DESC, p.child_tenant_id NULLS LAST, p.policy_id NULLS LAST
